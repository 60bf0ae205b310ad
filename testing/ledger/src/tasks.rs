//! Jobs with escrow.

use tributary_primitives::{Address, Amount};

use crate::{Ledger, Op, Outcome, Purse, Refused, minus, need, plus};

/// How far a task has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    Submitted,
    /// By whom, and what their provision locks.
    Accepted(Address, u64, Amount),
}

/// An open task; ended ones are forgotten.
#[derive(Clone, Debug)]
pub struct Task {
    pub requester: Address,
    pub provider: Option<Address>,
    pub deadline: u64,
    pub max_fee: Amount,
    /// Whose roots divide the fee of an inference; a training has none.
    pub gateway: Option<Address>,
    pub state: TaskState,
}

impl Ledger {
    fn unlock(&mut self, task: &Task) {
        if let TaskState::Accepted(_, provision, locked) = task.state {
            if let Some(provision) = self.provisions.get_mut(&provision) {
                provision.locked = provision.locked.saturating_sub(locked);
            }
        }
    }

    fn task(&self, id: u64) -> Result<Task, Refused> {
        self.tasks.get(&id).cloned().ok_or(Refused)
    }

    fn expire_task(&mut self, id: u64) -> Outcome {
        let task = self.task(id)?;
        need(self.now > task.deadline)?;
        self.unlock(&task);
        self.take(Purse::Escrow(id), task.max_fee);
        self.pay(task.requester, task.max_fee);
        if let TaskState::Accepted(_, provision, _) = task.state {
            let penalty = self.rules.expire_penalty.of(task.max_fee);
            self.slash(provision, penalty, task.requester);
        }
        self.tasks.remove(&id);
        Ok(())
    }

    pub(crate) fn apply_tasks(&mut self, caller: Address, value: Amount, op: &Op) -> Outcome {
        match op {
            Op::SubmitTask { deadline, provider, gateway, .. } => {
                need(!value.is_zero())?;
                need(gateway.is_none_or(|gateway| self.acts_as(gateway, 3)))?;
                let (earliest, latest) =
                    (self.now + self.rules.min_duration, self.now + self.rules.max_duration);
                need((earliest..=latest).contains(deadline))?;
                self.task_count += 1;
                let id = self.task_count;
                self.charge(caller, value)?;
                self.put(Purse::Escrow(id), value);
                let task = Task {
                    requester: caller,
                    provider: *provider,
                    deadline: *deadline,
                    max_fee: value,
                    gateway: *gateway,
                    state: TaskState::Submitted,
                };
                self.tasks.insert(id, task);
                Ok(())
            }
            Op::AcceptTask { id } => self.accept_task(caller, *id),
            Op::ReleaseTask { id } => {
                let mut task = self.task(*id)?;
                let mine = matches!(task.state, TaskState::Accepted(by, ..) if by == caller);
                need(mine)?;
                self.unlock(&task);
                task.state = TaskState::Submitted;
                self.tasks.insert(*id, task);
                Ok(())
            }
            Op::CompleteTask { id, fee } => self.complete_task(caller, *id, *fee),
            Op::CancelTask { id } => {
                let task = self.task(*id)?;
                need(task.requester == caller)?;
                let owed = match task.state {
                    TaskState::Accepted(by, ..) => Some((by, self.rules.cancel.of(task.max_fee))),
                    TaskState::Submitted => None,
                };
                self.unlock(&task);
                self.take(Purse::Escrow(*id), task.max_fee);
                let to_provider = owed.map_or(Amount::ZERO, |(_, amount)| amount);
                if let Some((provider, amount)) = owed {
                    self.pay(provider, amount);
                }
                self.pay(caller, minus(task.max_fee, to_provider));
                self.tasks.remove(id);
                Ok(())
            }
            Op::ExpireTask { id } => self.expire_task(*id),
            Op::PokeTasks => {
                let mut due: Vec<(u64, u64)> = self
                    .tasks
                    .iter()
                    .filter(|(_, task)| self.now > task.deadline)
                    .map(|(id, task)| (task.deadline, *id))
                    .collect();
                due.sort_unstable();
                due.into_iter().take(64).try_for_each(|(_, id)| self.expire_task(id))
            }
            _ => Err(Refused),
        }
    }

    fn accept_task(&mut self, caller: Address, id: u64) -> Outcome {
        let mut task = self.task(id)?;
        need(task.state == TaskState::Submitted && self.now < task.deadline)?;
        need(task.provider.is_none_or(|chosen| chosen == caller))?;
        need(self.acts_as(caller, 1))?;
        let provision = self.provision_of(caller, 1).ok_or(Refused)?;
        let locked = self.rules.cover.of(task.max_fee);
        need(self.available(provision) >= locked)?;
        if let Some(record) = self.provisions.get_mut(&provision) {
            record.locked = plus(record.locked, locked);
        }
        task.state = TaskState::Accepted(caller, provision, locked);
        self.tasks.insert(id, task);
        Ok(())
    }

    fn complete_task(&mut self, caller: Address, id: u64, fee: Amount) -> Outcome {
        let task = self.task(id)?;
        need(matches!(task.state, TaskState::Accepted(by, ..) if by == caller))?;
        need(self.now <= task.deadline && fee <= task.max_fee)?;
        need(task.gateway.is_none_or(|gateway| self.acts_as(gateway, 3)))?;
        self.unlock(&task);
        self.take(Purse::Escrow(id), task.max_fee);
        if let Some(gateway) = task.gateway {
            self.take_in(gateway, fee);
        } else {
            let protocol = self.rules.protocol.of(fee);
            self.pay(self.rules.treasury, protocol);
            self.pay(caller, minus(fee, protocol));
        }
        self.pay(task.requester, minus(task.max_fee, fee));
        self.tasks.remove(&id);
        Ok(())
    }
}
