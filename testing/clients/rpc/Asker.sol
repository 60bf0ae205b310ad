// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {IRoyalties} from "IRoyalties.sol";
import {ITasks} from "ITasks.sol";

/// A contract that asks a model: escrow in, a provider's signed receipt out, the rest back.
contract Asker {
    ITasks constant TASKS = ITasks(0x0000000000000000000000000000000000001006);
    IRoyalties constant ROYALTIES = IRoyalties(0x0000000000000000000000000000000000001008);
    uint8 constant INFERENCE = 2;
    uint8 constant COMPLETED = 3;

    event Asked(uint64 indexed task);
    event Answered(uint64 indexed task, bytes32 completion, uint128 fee);

    /// The value is the most that the answer may cost. The prompt was left at the gateway, which said
    /// its commitment and who keeps it.
    function ask(
        uint64 model,
        bytes32 prompt,
        address provider,
        address gateway,
        uint64 deadline
    ) external payable returns (uint64 task) {
        ITasks.TaskSpec memory spec;
        spec.kind = INFERENCE;
        spec.modelId = model;
        spec.inputDigest = prompt;
        spec.provider = provider;
        spec.gateway = gateway;
        spec.deadline = deadline;
        task = TASKS.submitTask{value: msg.value}(spec);
        emit Asked(task);
    }

    /// Takes note of an answer: the receipt is the delivered one, its provider signed it, and it
    /// answers the prompt that was asked.
    function settle(uint64 task, IRoyalties.Receipt calldata receipt, bytes calldata signature)
        external
    {
        ITasks.Task memory found = TASKS.getTask(task);
        require(found.requester == address(this) && found.state == COMPLETED, "not delivered");
        require(ROYALTIES.receiptDigest(receipt) == found.resultDigest, "another receipt");
        (, bool valid) = ROYALTIES.verifyReceipt(receipt, signature);
        require(valid && receipt.provider == found.acceptedBy, "not the provider's");
        require(receipt.promptCommitment == found.spec.inputDigest, "another prompt");
        emit Answered(task, receipt.completionCommitment, found.fee);
    }

    /// Calls the task off; the escrow comes back.
    function cancel(uint64 task) external {
        TASKS.cancelTask(task);
    }
}
