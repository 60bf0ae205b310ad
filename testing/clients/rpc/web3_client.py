"""Stock web3.py against the node. Prints a line per scenario; one failure ends with 1."""

import json
import os
import pathlib
import subprocess
import sys
import traceback

from eth_account import Account
from eth_account.messages import encode_defunct
from web3 import HTTPProvider, Web3
from web3.exceptions import ContractCustomError, ContractLogicError, TransactionNotFound, Web3RPCError

URL = os.environ.get("TRIBUTARY_RPC_URL", "http://localhost:8545")
MNEMONIC = "test test test test test test test test test test test junk"
HERE = pathlib.Path(__file__).resolve().parent

Account.enable_unaudited_hdwallet_features()
w3 = Web3(HTTPProvider(URL))
account, other = (
    Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}") for index in (4, 5)
)
compiled = json.loads(
    subprocess.run(
        ["node", HERE / "_compile.mjs"],
        cwd=os.environ.get("TRIBUTARY_CLIENTS", "."),
        check=True,
        capture_output=True,
    ).stdout
)
scenarios = []


def scenario(run):
    scenarios.append(run)
    return run


def send(tx, signer=account):
    """Fills, signs, sends and waits."""
    filled = {
        "from": signer.address,
        "nonce": w3.eth.get_transaction_count(signer.address),
        "chainId": w3.eth.chain_id,
        "maxFeePerGas": w3.eth.gas_price * 2,
        "maxPriorityFeePerGas": w3.eth.max_priority_fee,
        **tx,
    }
    if "gas" not in filled:
        filled["gas"] = w3.eth.estimate_gas(filled)
    raw = signer.sign_transaction(filled).raw_transaction
    return w3.eth.wait_for_transaction_receipt(w3.eth.send_raw_transaction(raw), poll_latency=0.05)


def deployed():
    factory = w3.eth.contract(abi=compiled["abi"], bytecode=compiled["bytecode"])
    receipt = send({"data": factory.constructor(10).data_in_transaction, "value": 0})
    return w3.eth.contract(address=receipt.contractAddress, abi=compiled["abi"])


def call(function, **tx):
    return send({"to": function.address, "data": function._encode_transaction_data(), **tx})


@scenario
def connects_and_names_the_chain():
    assert w3.is_connected()
    assert w3.eth.chain_id == 7310
    assert w3.net.version == "7310"
    assert w3.client_version.startswith("tributary/")
    assert w3.eth.syncing is False


@scenario
def blocks_pass_the_library_s_own_checks():
    block = w3.eth.get_block("latest")
    assert block.number == w3.eth.block_number
    assert len(block.extraData) <= 32
    assert w3.eth.get_block("earliest").number == 0
    assert w3.eth.get_block(block.hash).number == block.number
    assert w3.eth.get_block("pending").number == w3.eth.block_number + 1


@scenario
def a_transfer_arrives():
    before = w3.eth.get_balance(other.address)
    receipt = send({"to": other.address, "value": w3.to_wei("0.25", "ether")})
    assert receipt.status == 1
    assert w3.eth.get_balance(other.address) == before + w3.to_wei("0.25", "ether")
    tx = w3.eth.get_transaction(receipt.transactionHash)
    assert tx["from"] == account.address and tx.blockNumber == receipt.blockNumber
    block = w3.eth.get_block(receipt.blockNumber, full_transactions=True)
    assert any(inner.hash == tx.hash for inner in block.transactions)
    assert len(w3.eth.get_block_receipts(receipt.blockNumber)) == len(block.transactions)


@scenario
def the_balance_of_an_earlier_block_is_still_known():
    receipt = send({"to": other.address, "value": 1})
    now = w3.eth.get_balance(other.address, receipt.blockNumber)
    assert w3.eth.get_balance(other.address, receipt.blockNumber - 1) == now - 1


@scenario
def a_contract_is_deployed_called_and_logs():
    tally = deployed()
    assert tally.functions.sum().call() == 10
    receipt = call(tally.functions.add(5), to=tally.address)
    (event,) = tally.events.Added().process_receipt(receipt)
    assert event.args.amount == 5 and event.args.sum == 15
    logs = tally.events.Added().get_logs(
        from_block=receipt.blockNumber, argument_filters={"who": account.address}
    )
    assert [log.transactionHash for log in logs] == [receipt.transactionHash]
    assert tally.functions.added(account.address).call() == 5


@scenario
def reverts_are_named():
    tally = deployed()
    for amount, error, words in ((0, ContractLogicError, "nothing to add"), (2000, ContractCustomError, "")):
        try:
            tally.functions.add(amount).call({"from": account.address})
        except error as caught:
            assert words in str(caught), caught
        else:
            raise AssertionError(f"add({amount}) passed")


@scenario
def overrides_and_storage():
    tally = deployed()
    slot = "0x" + "00" * 32
    changed = "0x" + f"{77:064x}"
    value = tally.functions.sum().call(state_override={tally.address: {"stateDiff": {slot: changed}}})
    assert value == 77
    assert int.from_bytes(w3.eth.get_storage_at(tally.address, 0)) == 10


@scenario
def filters_are_polled():
    tally = deployed()
    logs, blocks = tally.events.Added().create_filter(from_block="latest"), w3.eth.filter("latest")
    receipt = call(tally.functions.add(3), to=tally.address)
    assert [entry.args.amount for entry in logs.get_new_entries()] == [3]
    assert receipt.blockHash in blocks.get_new_entries()
    assert len(logs.get_all_entries()) == 1
    assert w3.eth.uninstall_filter(logs.filter_id)


@scenario
def fee_history_and_proof():
    history = w3.eth.fee_history(4, "latest", [10, 90])
    assert len(history.baseFeePerGas) == len(history.gasUsedRatio) + 1
    tally = deployed()
    proof = w3.eth.get_proof(tally.address, [0], "latest")
    assert proof.storageProof[0].value == 10 or int.from_bytes(proof.storageProof[0].value) == 10
    assert proof.balance == 0 and proof.nonce == 1


@scenario
def what_is_missing_is_not_found():
    try:
        w3.eth.get_transaction("0x" + "11" * 32)
    except TransactionNotFound:
        return
    raise AssertionError("found")


@scenario
def refusals_carry_a_reason():
    filled = {"to": other.address, "value": 10**40, "gas": 21000}
    try:
        send(filled)
    except Web3RPCError as error:
        assert "insufficient funds" in str(error), error
    else:
        raise AssertionError("sent")


@scenario
def the_node_signs_for_its_accounts():
    tx = {"from": other.address, "to": account.address, "value": 1}
    receipt = w3.eth.wait_for_transaction_receipt(w3.eth.send_transaction(tx), poll_latency=0.05)
    assert receipt["from"] == other.address
    signature = w3.eth.sign(other.address, text="tributary")
    recovered = Account.recover_message(encode_defunct(text="tributary"), signature=signature)
    assert recovered == other.address


@scenario
def batches():
    with w3.batch_requests() as batch:
        batch.add(w3.eth.get_block("latest"))
        batch.add(w3.eth.get_balance(account.address))
        block, balance = batch.execute()
    assert block.number >= 0 and balance > 0


@scenario
def traces():
    tally = deployed()
    receipt = call(tally.functions.add(1), to=tally.address)
    params = [receipt.transactionHash.to_0x_hex(), {"tracer": "callTracer"}]
    answer = w3.provider.make_request("debug_traceTransaction", params)["result"]
    assert answer["type"] == "CALL", answer


def main():
    failed = 0
    for run in scenarios:
        name = run.__name__.replace("_", " ")
        try:
            run()
        except Exception:  # every failure is shown, and counts
            failed += 1
            print(f"FAILED  {name}")
            traceback.print_exc(file=sys.stdout)
        else:
            print(f"ok      {name}")
    print("all scenarios passed" if failed == 0 else f"{failed} scenarios failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
