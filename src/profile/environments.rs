//! Variables of the environments that programs were started with, where any were asked for.

use std::collections::BTreeMap;

use super::threads::Thread;
use crate::event::Variable;
use crate::id::{EnvironmentId, Pid};
use crate::text::clean;

/// Values by name.
type Variables = BTreeMap<String, String>;

/// Variables of every process, one environment behind the other where it ran several programs.
#[derive(Debug, Default)]
pub struct Environments {
    environments: BTreeMap<(Pid, EnvironmentId), Variables>,
}

impl Environments {
    /// Takes notice of a variable; it may be one that is known.
    pub fn add(&mut self, variable: Variable) {
        let environment = (variable.pid, variable.environment);
        let variables = self.environments.entry(environment).or_default();
        variables.insert(variable.name, variable.value);
    }

    /// The names and values of a thread's variables, by name.
    pub fn of(&self, thread: &Thread) -> impl Iterator<Item = (&str, &str)> + use<'_> {
        let variables = self.environments.get(&(thread.pid, thread.environment));
        texts(variables)
    }

    /// The variables of the last program that a process ran, as `NAME=VALUE`, harmless and each
    /// preceded by a blank.
    #[must_use]
    pub fn describe(&self, pid: Pid) -> String {
        let (first, last) = (EnvironmentId::NONE, EnvironmentId(u64::MAX));
        let mut environments = self.environments.range((pid, first)..=(pid, last));
        let latest = environments.next_back().map(|(_, variables)| variables);
        texts(latest)
            .map(|(name, value)| clean(&format!(" {name}={value}")))
            .collect()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Variable> + '_ {
        let environments = self.environments.iter();
        environments.flat_map(|(&(pid, environment), variables)| {
            variables.iter().map(move |(name, value)| Variable {
                pid,
                environment,
                name: name.clone(),
                value: value.clone(),
            })
        })
    }

    /// Keeps only some.
    pub fn retain(&mut self, mut is_kept: impl FnMut(Pid, EnvironmentId) -> bool) {
        self.environments
            .retain(|&(pid, environment), _| is_kept(pid, environment));
    }
}

fn texts(variables: Option<&Variables>) -> impl Iterator<Item = (&str, &str)> {
    let variables = variables.into_iter().flatten();
    variables.map(|(name, value)| (name.as_str(), value.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Comm;
    use crate::id::{CgroupId, Tid};

    fn variable(environment: u64, name: &str, value: &str) -> Variable {
        Variable {
            pid: Pid(7),
            environment: EnvironmentId(environment),
            name: name.into(),
            value: value.into(),
        }
    }

    fn thread(environment: u64) -> Thread {
        Thread {
            pid: Pid(7),
            tid: Tid(8),
            comm: Comm::from("x"),
            cgroup: CgroupId::UNKNOWN,
            environment: EnvironmentId(environment),
        }
    }

    /// Check that a thread has the variables of its own program, whatever its process ran later,
    /// and that what is known twice is there once.
    #[test]
    fn variables_are_of_a_program() {
        let mut environments = Environments::default();
        for (environment, name, value) in [
            (1, "B", "old"),
            (1, "A", "1"),
            (1, "B", "old"),
            (2, "B", "new\u{1b}"),
        ] {
            environments.add(variable(environment, name, value));
        }
        let of = |environment| environments.of(&thread(environment)).collect::<Vec<_>>();
        assert_eq!(of(1), [("A", "1"), ("B", "old")]);
        assert_eq!(of(2), [("B", "new\u{1b}")]);
        assert_eq!(of(3), []);
        assert_eq!(environments.describe(Pid(7)), " B=new?");
        assert_eq!(environments.describe(Pid(6)), "");
        assert_eq!(environments.iter().count(), 3);
        environments.retain(|_, environment| environment.0 == 1);
        assert_eq!(environments.describe(Pid(7)), " A=1 B=old");
    }
}
