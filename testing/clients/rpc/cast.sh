#!/bin/sh
# Stock cast against the node. Started with the folder of the packages as working directory.
# Prints a line per scenario; one failure ends with 1.
set -u

here=$(cd "$(dirname "$0")" && pwd)
packages=$(pwd)
export ETH_RPC_URL="${TRIBUTARY_RPC_URL:-http://localhost:8545}"
export NO_COLOR=1
mnemonic="test test test test test test test test test test test junk"
failed=0

cast() { "$packages/node_modules/.bin/cast" "$@"; }

# check NAME EXPECTED ACTUAL
check() {
    if [ "$2" = "$3" ]; then
        echo "ok      $1"
    else
        failed=$((failed + 1))
        echo "FAILED  $1: expected '$2', got '$3'"
    fi
}

# field NAME: reads a field of the JSON object on stdin
field() {
    node -e 'let t="";process.stdin.on("data",d=>t+=d).on("end",()=>{
        const v=JSON.parse(t)[process.argv[1]];
        process.stdout.write(typeof v==="object"?JSON.stringify(v):String(v))})' "$1"
}

me=$(cast wallet address --mnemonic "$mnemonic" --mnemonic-index 6)
you=$(cast wallet address --mnemonic "$mnemonic" --mnemonic-index 7)
send() { cast send --json --mnemonic "$mnemonic" --mnemonic-index 6 "$@"; }

check "chain id" 7310 "$(cast chain-id)"
check "client version" tributary "$(cast client | cut -d/ -f1)"

before=$(cast balance "$you")
receipt=$(send "$you" --value 5)
check "a transfer succeeds" 0x1 "$(echo "$receipt" | field status)"
after=$(cast balance "$you")
check "the balance rises" "$(node -p "BigInt('$before') + 5n + ''")" "$after"
hash=$(echo "$receipt" | field transactionHash)
check "tx" "$(echo "$me" | tr A-F a-f)" "$(cast tx "$hash" --json | field from | tr A-F a-f)"
check "receipt" "$hash" "$(cast receipt "$hash" --json | field transactionHash)"
number=$(echo "$receipt" | field blockNumber)
check "block" "$number" "$(cast block "$(cast to-dec "$number")" --json | field number)"
check "block number" "$(cast to-dec "$number")" "$(cast block-number)"

code=$(node "$here/_compile.mjs" | field bytecode)
start=$(cast abi-encode 'constructor(uint256)' 10 | cut -c3-)
receipt=$(send --create "$code$start")
tally=$(echo "$receipt" | field contractAddress)
check "deploy and call" 10 "$(cast call "$tally" 'sum()(uint256)')"
receipt=$(send "$tally" 'add(uint256)' 5)
check "send to a contract" 15 "$(cast call "$tally" 'sum()(uint256)')"
block=$(cast to-dec "$(echo "$receipt" | field blockNumber)")
logs=$(cast logs --json --from-block "$block" --address "$tally" 'Added(address indexed,uint256,uint256)')
check "logs" 1 "$(echo "$logs" | field length)"
check "storage" 15 "$(cast to-dec "$(cast storage "$tally" 0)")"
reverted=$(cast call "$tally" 'add(uint256)' 0 2>&1 | grep -c 'nothing to add')
check "a revert names its reason" 1 "$reverted"
estimate=$(cast estimate --from "$me" "$tally" 'add(uint256)' 1)
check "estimate" 1 "$([ "$estimate" -gt 21000 ] && echo 1)"
check "access list" 1 "$(cast access-list --from "$me" "$tally" 'add(uint256)' 1 2>&1 | grep -ci "$tally" | head -c 1)"
check "proof" 1 "$(cast proof "$tally" 0 --json | field storageProof | grep -c '"proof":\[')"
check "gas price" 1 "$([ "$(cast gas-price)" -gt 0 ] && echo 1)"
check "trace" 1 "$(cast rpc debug_traceTransaction "$hash" '{"tracer":"callTracer"}' | grep -c '"type":"CALL"')"

snapshot=$(cast rpc evm_snapshot | tr -d '"')
height=$(cast block-number)
cast rpc anvil_mine 0x5 >/dev/null
check "anvil_mine" "$((height + 5))" "$(cast block-number)"
cast rpc anvil_setBalance 0x00000000000000000000000000000000000000ee 0x64 >/dev/null
check "anvil_setBalance" 100 "$(cast balance 0x00000000000000000000000000000000000000ee)"
check "evm_revert" true "$(cast rpc evm_revert "$snapshot")"
check "the height is back" "$height" "$(cast block-number)"
check "anvil_nodeInfo" 1 "$(cast rpc anvil_nodeInfo | grep -c '"hardFork"')"
check "trib_supply" 1 "$(cast rpc trib_supply | grep -c '"burned"')"

if [ "$failed" -eq 0 ]; then
    echo "all scenarios passed"
else
    echo "$failed scenarios failed"
    exit 1
fi
