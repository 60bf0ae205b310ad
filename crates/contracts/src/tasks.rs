//! `tasks`: one job with escrow, for training and inference.

use alloy_sol_types::sol;

sol! {
    #![sol(all_derives = true, extra_derives(serde::Serialize, serde::Deserialize))]
    /// Jobs with escrow. Kinds: 1 training, 2 inference.
    /// States: 1 submitted, 2 accepted, 3 completed, 4 cancelled, 5 expired.
    #[sol(abi)]
    interface ITasks {
        /// What a requester asks for; the escrow is the value sent. `gateway` is whose roots divide
        /// an inference's fee; a training names none.
        struct TaskSpec {
            uint8 kind;
            uint64 modelId;
            uint64 datanetId;
            uint32 version;
            bytes32 inputDigest;
            string params;
            string adapterName;
            string licence;
            uint128 priceIn;
            uint128 priceOut;
            uint64 deadline;
            address provider;
            address gateway;
        }
        /// A task. `fee` is what was paid of `maxFee`.
        struct Task {
            uint64 id;
            uint8 state;
            address requester;
            TaskSpec spec;
            uint128 maxFee;
            uint128 fee;
            address acceptedBy;
            uint64 provisionId;
            uint128 locked;
            bytes32 resultDigest;
            uint64 resultModelId;
            uint64 submittedAt;
            uint64 acceptedAt;
            uint64 endedAt;
        }
        /// Genesis parameters.
        struct TasksParams {
            uint32 coverPpm;
            uint32 protocolPpm;
            uint32 cancelPpm;
            uint32 expirePenaltyPpm;
            uint64 minDuration;
            uint64 maxDuration;
            address treasury;
        }

        /// Escrows the value and reserves the adapter's name.
        function submitTask(TaskSpec spec) external payable returns (uint64 taskId);
        /// Takes the task; locks provision to cover it.
        function acceptTask(uint64 taskId) external;
        /// Gives an accepted task back; it is open again.
        function releaseTask(uint64 taskId) external;
        /// Delivers. A training registers the adapter, owned by the requester; an inference names its
        /// receipt and pays the fee into its gateway's pot.
        function completeTask(uint64 taskId, bytes32 resultDigest, bytes32 cardDigest, uint128 fee) external returns (uint64 modelId);
        /// Requester's refund before completion; an accepted task may owe the provider a part.
        function cancelTask(uint64 taskId) external;
        /// Anyone's refund of the requester after the deadline; an idle provider pays.
        function expireTask(uint64 taskId) external;
        /// Expires up to `max` (at most 64) due tasks; how many.
        function poke(uint32 max) external returns (uint32 handled);

        /// One task.
        function getTask(uint64 taskId) external view returns (Task);
        /// Tasks ever submitted; ids are 1..count.
        function taskCount() external view returns (uint64);
        /// `count` (at most 32) tasks from id `from`.
        function tasks(uint64 from, uint64 count) external view returns (Task[]);
        /// Ids of a requester's tasks, `count` (at most 256) from index `from`.
        function tasksOf(address requester, uint64 from, uint64 count) external view returns (uint64[]);
        /// Ids of open (submitted or accepted) tasks, `count` (at most 256) from index `from`.
        function openTasks(uint64 from, uint64 count) external view returns (uint64[]);
        /// Second at which `poke` has something to do; 0 for never.
        function nextTimer() external view returns (uint64 due);
        /// Genesis parameters.
        function tasksParams() external view returns (TasksParams);

        event TaskSubmitted(uint64 indexed id, address indexed requester, uint8 indexed kind, uint64 modelId, uint64 datanetId, uint32 version, address provider, uint128 maxFee, uint64 deadline);
        event TaskAccepted(uint64 indexed id, address indexed provider, uint64 provisionId, uint128 locked);
        event TaskReleased(uint64 indexed id, address indexed provider);
        event TaskCompleted(uint64 indexed id, address indexed provider, bytes32 resultDigest, uint64 modelId, uint128 fee, uint128 protocolFee, uint128 refund);
        event TaskCancelled(uint64 indexed id, address indexed requester, uint128 refund, uint128 toProvider);
        event TaskExpired(uint64 indexed id, address indexed requester, uint128 refund, uint128 penalty);

        error UnknownTask(uint64 taskId);
        error WrongTaskState(uint64 taskId, uint8 state);
        error NotRequester(uint64 taskId, address caller);
        error NotProvider(uint64 taskId, address caller);
        error ChosenProvider(uint64 taskId, address provider);
        error NotCovered(uint64 provisionId, uint128 available, uint128 needed);
        error NoProvision(address caller);
        error DeadlinePassed(uint64 taskId, uint64 deadline);
        error DeadlineNotReached(uint64 taskId, uint64 deadline);
        error BadDeadline(uint64 deadline);
        error FeeTooHigh(uint128 fee, uint128 maxFee);
        error NoGateway(address gateway);
        error UnknownTaskKind(uint8 kind);
        error EmptyEscrow();
        error EmptyResult();
    }
}
