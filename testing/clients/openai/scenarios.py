"""The stock Python client against /v1: every scenario prints a line; one failure ends with 1."""

import concurrent.futures
import decimal
import sys
import traceback
import uuid

import openai

from _setup import API_KEY, BASE_URL, MODEL, poor_key, rest, trained_model, until

client = openai.OpenAI(base_url=BASE_URL, api_key=API_KEY, max_retries=0, timeout=120)
HELLO = [{"role": "user", "content": "Hello there"}]


def ask(**options):
    arguments = {"model": MODEL, "messages": HELLO, "max_tokens": 12, **options}
    return client.chat.completions.create(**arguments)


def lists_models():
    models = client.models.list().data
    assert any(model.id == MODEL for model in models), [model.id for model in models]


def retrieves_a_model():
    model = client.models.retrieve(MODEL)
    assert (model.id, model.object) == (MODEL, "model")


def chats():
    answer = ask()
    assert answer.id.startswith("chatcmpl-") and answer.object == "chat.completion"
    choice = answer.choices[0]
    assert choice.logprobs is None
    assert choice.message.role == "assistant" and choice.finish_reason in ("stop", "length")
    usage = answer.usage
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def streams_a_chat():
    text, finish, role = "", None, None
    for chunk in ask(stream=True, temperature=0):
        assert chunk.object == "chat.completion.chunk"
        for choice in chunk.choices:
            role = role or choice.delta.role
            text += choice.delta.content or ""
            finish = finish or choice.finish_reason
        assert chunk.usage is None
    assert role == "assistant" and finish in ("stop", "length")
    assert text == ask(temperature=0).choices[0].message.content


def completes():
    answer = client.completions.create(model=MODEL, prompt="Once upon a time", max_tokens=8)
    assert answer.object == "text_completion"
    assert answer.choices[0].finish_reason in ("stop", "length")


def streams_a_completion():
    arguments = {"model": MODEL, "prompt": "Once upon a time", "max_tokens": 8, "temperature": 0}
    text = ""
    for chunk in client.completions.create(stream=True, **arguments):
        text += "".join(choice.text for choice in chunk.choices)
    assert text == client.completions.create(**arguments).choices[0].text


def includes_usage():
    chunks = list(ask(stream=True, stream_options={"include_usage": True}))
    last = chunks[-1]
    assert last.choices == [] and last.usage.completion_tokens > 0
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert float(last.usage.cost) > 0


def repeats_a_seed():
    same = [ask(seed=7, temperature=1) for _ in range(3)]
    texts = {answer.choices[0].message.content for answer in same}
    prints = {answer.system_fingerprint for answer in same}
    assert len(texts) == 1 and len(prints) == 1 and all(prints), (texts, prints)
    others = {ask(seed=seed, temperature=1.5).choices[0].message.content for seed in range(6)}
    assert len(others) > 1, "six seeds gave one answer"


def stops():
    whole = ask(temperature=0, max_tokens=24).choices[0].message.content
    words = [word for word in whole.split(" ")[1:] if word.strip()]
    assert words, f"the model said one word: {whole!r}"
    stop = words[min(2, len(words) - 1)]
    answer = ask(temperature=0, max_tokens=24, stop=[stop])
    text = answer.choices[0].message.content
    assert stop not in text and whole.startswith(text), (whole, stop, text)
    assert answer.choices[0].finish_reason == "stop"


def holds_max_tokens():
    answer = ask(max_tokens=3, temperature=0)
    assert answer.usage.completion_tokens == 3
    assert answer.choices[0].finish_reason == "length"
    assert client.chat.completions.create(
        model=MODEL, messages=HELLO, max_completion_tokens=2
    ).usage.completion_tokens <= 2


def gives_two_choices():
    answer = ask(n=2, temperature=1, seed=3)
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert len(answer.model_extra["tributary"]["receipts"]) == 2
    assert answer.choices[0].message.content != answer.choices[1].message.content


def streams_two_choices():
    texts, ends = ["", ""], [None, None]
    for chunk in ask(n=2, temperature=1, seed=3, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
            ends[choice.index] = ends[choice.index] or choice.finish_reason
    whole = ask(n=2, temperature=1, seed=3)
    assert texts == [choice.message.content for choice in whole.choices]
    assert all(end in ("stop", "length") for end in ends), ends


def ignores_what_it_does_not_know_and_says_so():
    answer = ask(logprobs=True, frequency_penalty=0.5, extra_body={"of_tomorrow": 1})
    told = " ".join(answer.model_extra["tributary"]["warnings"])
    for name in ("logprobs", "frequency_penalty", "of_tomorrow"):
        assert name in told, told


def tells_what_is_left_of_its_allowance():
    headers = client.chat.completions.with_raw_response.create(
        model=MODEL, messages=HELLO, max_tokens=1
    ).headers
    limit = int(headers["x-ratelimit-limit-requests"])
    assert 0 <= int(headers["x-ratelimit-remaining-requests"]) < limit
    assert headers["x-ratelimit-reset-requests"].endswith("ms")


def is_greedy_at_temperature_zero():
    texts = {ask(temperature=0).choices[0].message.content for _ in range(3)}
    assert len(texts) == 1, texts


def cites_its_sources():
    model, prompt = trained_model()
    answer = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": prompt}], temperature=0, max_tokens=48
    )
    message = answer.choices[0].message
    cited = [note.url_citation for note in message.annotations or [] if note.type == "url_citation"]
    assert cited, f"no source for {message.content!r}"
    for citation in cited:
        assert 0 <= citation.start_index < citation.end_index <= len(message.content)
        assert citation.url.startswith("http") and citation.title


def streams_its_sources():
    model, prompt = trained_model()
    late = []
    for chunk in client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": prompt}],
        temperature=0,
        max_tokens=48,
        stream=True,
    ):
        for choice in chunk.choices:
            late += (choice.delta.model_extra or {}).get("annotations") or []
    assert late and late[0]["url_citation"]["end_index"] > 0


def tells_its_cost():
    raw = client.chat.completions.with_raw_response.create(
        model=MODEL, messages=HELLO, max_tokens=4
    )
    answer = raw.parse()
    cost = answer.usage.model_extra["cost"]
    assert float(cost) > 0 and raw.headers["x-tributary-cost"] == cost
    details = answer.usage.model_extra["cost_details"]
    assert set(details) == {"compute", "model", "data", "protocol"}
    assert abs(sum(map(float, details.values())) - float(cost)) < 1e-12
    receipt = answer.model_extra["tributary"]["receipt_id"]
    assert raw.headers["x-tributary-receipt"] == receipt and raw.headers["x-request-id"]
    assert rest("GET", f"/receipts/{receipt}")["state"] in ("pending", "earned", "paid")


def refuses(expected, call, code=None):
    try:
        call()
    except expected as error:
        body = error.body if isinstance(error.body, dict) else {}
        assert body.get("message") and body.get("type"), body
        assert code is None or error.code == code, error.code
        return error
    raise AssertionError(f"nothing was refused; {expected.__name__} was expected")


def refuses_a_wrong_key():
    for key in ("trib_sk_" + "0" * 64, "sk-nothing"):
        stranger = openai.OpenAI(base_url=BASE_URL, api_key=key, max_retries=0)
        refuses(openai.AuthenticationError, stranger.models.list, "invalid_api_key")


def names_the_cap():
    poor = openai.OpenAI(base_url=BASE_URL, api_key=poor_key(1000), max_retries=0)
    error = refuses(
        openai.APIStatusError,
        lambda: poor.chat.completions.create(model=MODEL, messages=HELLO),
        "key_cap_reached",
    )
    assert error.status_code == 402 and "cap" in error.body["message"]


def refuses_an_unknown_model():
    refuses(openai.NotFoundError, lambda: ask(model="nobody/nothing"), "model_not_found")
    refuses(openai.NotFoundError, lambda: client.models.retrieve("nobody/nothing"))


def refuses_bad_requests():
    refuses(openai.BadRequestError, lambda: ask(messages=[]))
    refuses(openai.BadRequestError, lambda: ask(temperature=9))
    refuses(openai.BadRequestError, lambda: ask(messages=[{"role": "user", "content": ""}]))
    long = [{"role": "user", "content": "word " * 200_000}]
    error = refuses(openai.APIStatusError, lambda: ask(messages=long), "context_length_exceeded")
    assert error.status_code == 413


def replays_an_idempotent_request():
    key = str(uuid.uuid4())
    headers = {"Idempotency-Key": key}
    first = ask(temperature=1, extra_headers=headers)
    spent = rest_key()["spent"]
    raw = client.chat.completions.with_raw_response.create(
        model=MODEL, messages=HELLO, max_tokens=12, temperature=1, extra_headers=headers
    )
    again = raw.parse()
    assert first.id == again.id and raw.headers["idempotency-replayed"] == "true"
    assert rest_key()["spent"] == spent, "a replay was paid"
    assert first.model_extra["tributary"] == again.model_extra["tributary"]
    refuses(
        openai.UnprocessableEntityError, lambda: ask(temperature=0, extra_headers=headers)
    )


def pays_only_what_was_delivered():
    arguments, full = long_answer()
    # The provider may be done before an abort reaches it on a busy machine: one of five is not.
    for _ in range(5):
        spent = rest_key()["spent"]
        stream = client.completions.create(stream=True, **arguments)
        for chunk in stream:
            if any(choice.text for choice in chunk.choices):
                break
        stream.close()
        after = until("settled call", 30, lambda: _charged(spent))
        paid = int(after["spent"]) - int(spent)
        assert 0 < paid <= full and int(after["held"]) == 0, (paid, full, after)
        if paid < full:
            return
    raise AssertionError("five aborted answers were all paid to their end")


def long_answer():
    """A request that answers with many tokens, and what the whole of it costs."""
    for seed in range(1, 40):
        arguments = {"model": MODEL, "prompt": "Once upon a time", "max_tokens": 400}
        arguments |= {"temperature": 2, "seed": seed}
        usage = client.completions.create(**arguments).usage
        if usage.completion_tokens >= 200:
            return arguments, int(decimal.Decimal(usage.model_extra["cost"]) * 10**18)
    raise AssertionError("no seed gives 200 tokens")


def _charged(before):
    key = rest_key()
    return key if key["spent"] != before and key["held"] == "0" else None


def rest_key():
    import urllib.request, json

    request = urllib.request.Request(
        BASE_URL.removesuffix("/v1") + "/api/v1/keys/default",
        headers={"authorization": f"Bearer {API_KEY}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def says_when_to_come_back():
    def hit(_):
        try:
            client.models.list()
        except openai.RateLimitError as error:
            return error
        return None

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        refused = [error for error in pool.map(hit, range(400)) if error]
    assert refused, "400 requests at once were all served"
    assert int(refused[0].response.headers["retry-after"]) >= 1
    assert refused[0].code == "rate_limit_exceeded"


SCENARIOS = [
    lists_models,
    retrieves_a_model,
    chats,
    streams_a_chat,
    completes,
    streams_a_completion,
    includes_usage,
    repeats_a_seed,
    stops,
    holds_max_tokens,
    gives_two_choices,
    streams_two_choices,
    ignores_what_it_does_not_know_and_says_so,
    tells_what_is_left_of_its_allowance,
    is_greedy_at_temperature_zero,
    tells_its_cost,
    refuses_a_wrong_key,
    names_the_cap,
    refuses_an_unknown_model,
    refuses_bad_requests,
    replays_an_idempotent_request,
    pays_only_what_was_delivered,
    cites_its_sources,
    streams_its_sources,
    says_when_to_come_back,
]


def main():
    wanted = sys.argv[1:]
    failed = 0
    for scenario in SCENARIOS:
        if wanted and scenario.__name__ not in wanted:
            continue
        try:
            scenario()
            print(f"ok      {scenario.__name__}", flush=True)
        except Exception:
            failed += 1
            print(f"FAILED  {scenario.__name__}\n{traceback.format_exc()}", flush=True)
    print(f"openai {openai.__version__}: {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
