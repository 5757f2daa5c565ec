//! Runs somno in guests, where the kernel is another one and real NMIs happen.
//!
//! `make test-vm KERNEL=6.12|6.18|6.19|newest`, or several of them; without KERNEL, all. Not
//! part of `cargo test`: a guest is emulated and takes its time.

mod clock;
mod suite;
mod table;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use self::table::Table;

const SERIES: [&str; 4] = ["6.12", "6.18", "6.19", "newest"];
const FORKS: u64 = 200;

/// What the guest runs; results go to /out.
const GUEST: &str = r#"
set -eu
somno=/usr/bin/somno
uname -r > /out/kernel
# A sample takes an emulated CPU so long that the kernel would hold some back.
echo 0 > /proc/sys/kernel/perf_cpu_time_max_percent
$somno doctor --format json > /out/doctor.json
$somno -v record -F 199 -o /out/chain.folded --stats /out/chain.json -- /usr/bin/chain 4 2> /out/chain.stderr

# A cgroup without any controller, and so without that of perf, which comes with the first one.
plain=/sys/fs/cgroup/plain
mkdir $plain
$somno record --cgroup plain -d 1 -o /out/refused.folded 2> /out/cgroup.stderr || :
(echo 0 > $plain/cgroup.procs && exec $somno record -F 199 -o /tmp/plain.somno -- /usr/bin/chain 2)
$somno export /tmp/plain.somno --cgroup '^/plain$' -o /out/plain.folded

# A variable that every fork writes in process context: its watchpoint fires in an NMI.
address=$(awk '$3 == "total_forks" { print $1 }' /proc/kallsyms)
echo 'i=0; while [ $i -lt FORKS ]; do /bin/busybox true; i=$((i + 1)); done' > /tmp/forks.sh
$somno -vv record -e "mem:0x$address/8:w" -c 1 -o /out/nmi.folded --stats /out/nmi.json \
	-- /bin/busybox sh /tmp/forks.sh 2> /out/nmi.stderr

# Threads that wait for all of the time. Where the kernel cannot defer, neither can be had.
/usr/bin/deadlock &
deadlock=$!
sleep 1
$somno dump -p $deadlock --format json > /out/dump.json 2> /out/dump.stderr || :
$somno record -p $deadlock --off-cpu -d 1 -o /out/waits.folded --stats /out/waits.json 2> /out/waits.stderr || :
kill $deadlock

# A CPU that goes offline while all are sampled, and comes back. Each of these spins for 5 seconds.
# With more than 2 these kernels let only CAP_SYS_ADMIN open events, which somno has given up by then.
echo 2 > /proc/sys/kernel/perf_event_paranoid
for name in before absent back; do cp /bin/busybox /tmp/busybox-$name; done
echo 'while :; do :; done' > /tmp/spin.sh
spin() { taskset $2 timeout 5 /tmp/busybox-$1 sh /tmp/spin.sh || :; }
$somno record -a -F 99 --format folded -o /out/cpus.folded --stats /out/cpus.json 2> /out/cpus.stderr &
pid=$!
until grep -qE '^(7|271) ' /proc/$pid/syscall; do sleep 0.1; done
spin before 2
echo 0 > /sys/devices/system/cpu/cpu1/online
spin absent 1
echo 1 > /sys/devices/system/cpu/cpu1/online
spin back 2
kill -INT $pid
wait $pid

# Programs that delete themselves while somno is stopped, so that nobody opens their files.
for kind in exported static; do
	cp /usr/bin/$kind /tmp/$kind
	$somno record -a -F 199 -o /out/$kind.folded --stats /out/$kind.json 2> /out/$kind.stderr &
	pid=$!
	until grep -qE '^(7|271) ' /proc/$pid/syscall; do sleep 0.1; done
	kill -STOP $pid
	/tmp/$kind deleted gone 2000
	kill -CONT $pid
	kill -INT $pid
	wait $pid
done
"#;

/// Check that somno samples on each kernel as well as that kernel allows, and that its live
/// tests pass there, unless LANE is `short`.
#[test]
fn guests() {
    let chosen = env::var("KERNEL").unwrap_or_default();
    let chosen: Vec<_> = chosen.split_whitespace().collect();
    let unknown: Vec<_> = chosen.iter().filter(|one| !SERIES.contains(one)).collect();
    assert!(
        unknown.is_empty(),
        "KERNEL is of {SERIES:?}, not {unknown:?}"
    );
    let is_short = match env::var("LANE").as_deref() {
        Err(_) | Ok("") => false,
        Ok("short") => true,
        Ok(other) => panic!("LANE is `short` or nothing, not `{other}`"),
    };
    let series = SERIES
        .into_iter()
        .filter(|series| chosen.is_empty() || chosen.contains(series));
    let mut table = Table::default();
    for series in series {
        let guest = Guest::run(series);
        let defers = series != "6.12";
        table.begin(format!("{series} ({})", guest.text("kernel").trim()));
        table.check("stacks", || guest.check_stacks(defers));
        if defers {
            table.check("NMI", || guest.check_nmi());
            table.check("names", || guest.check_captured(series == "newest"));
            table.check("waiting", || guest.check_waiting());
        } else {
            for column in ["NMI", "names", "waiting"] {
                table.leave_out(column, "this kernel cannot defer");
            }
        }
        table.check("cgroup", || guest.check_cgroup());
        table.check("CPU offline", || guest.check_cpus());
        table.check("clock set", || guest.check_clock());
        table.check("dmesg", || guest.check_dmesg());
        if is_short {
            table.leave_out("live tests", "the lane is short");
        } else {
            table.add("live tests", suite::run(series, defers));
        }
    }
    table.finish();
}

/// The results of one guest.
struct Guest {
    out: PathBuf,
}

impl Guest {
    fn run(series: &str) -> Self {
        let room = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("vm-{series}"));
        let out = room.join("out");
        let _ = fs::remove_dir_all(&room);
        fs::create_dir_all(&room).expect("the target directory is writable");
        let build = |program: &str, fixture: &str, flags: &[&str]| {
            let program = room.join(program);
            run(Command::new("cc")
                .args(["-O0", "-g", "-fno-omit-frame-pointer", "-pthread"])
                .args(flags)
                .arg(format!("assets/fixtures/{fixture}.c"))
                .arg("-o")
                .arg(&program));
            program
        };
        let chain = build("chain", "chain", &[]);
        let deadlock = build("deadlock", "deadlock", &[]);
        let maker = build("maker", "maker", &[]);
        let exported = build("exported", "vanisher", &["-rdynamic", "-Dstatic="]);
        let without_dynamic = build("static", "vanisher", &["-static"]);
        let script = room.join("guest.sh");
        let guest = GUEST.replace("FORKS", &FORKS.to_string()) + clock::GUEST;
        fs::write(&script, guest).expect("it is writable");
        run(Command::new("tests/vm/boot")
            .args(["--kernel", series, "--timeout", "600"])
            .arg("--binary")
            .arg(env!("CARGO_BIN_EXE_somno"))
            .arg("--binary")
            .arg(&chain)
            .arg("--binary")
            .arg(&deadlock)
            .arg("--binary")
            .arg(&maker)
            .arg("--binary")
            .arg(&exported)
            .arg("--binary")
            .arg(&without_dynamic)
            .arg("--run")
            .arg(&script)
            .arg("--out")
            .arg(&out));
        Self { out }
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.out.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.text(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The share of folded samples of the fixture's threads in which `chain` is contiguous.
    fn chain_share(&self, chain: &str) -> f64 {
        self.share("chain.folded", ";run;", chain)
    }

    /// Of the folded samples that contain `of`, the share of those that contain `chain`.
    fn share(&self, name: &str, of: &str, chain: &str) -> f64 {
        let text = self.text(name);
        let (mut with, mut all) = (0.0, 0.0);
        for line in text.lines().filter(|line| line.contains(of)) {
            let (stack, count) = line.rsplit_once(' ').expect("a folded line has a count");
            let count: f64 = count.parse().expect("a count is a number");
            all += count;
            if stack.contains(chain) {
                with += count;
            }
        }
        assert!(all > 100.0, "too few samples of the fixture: {all}");
        with / all
    }

    /// A kernel without the kfunc: frame pointers in the interrupt, and it says so once.
    fn check_fallback(&self) -> String {
        let stats = self.json("chain.json");
        assert_eq!(stats["capture"], "interrupt");
        let samples = count(&stats["samples"]);
        assert!(samples > 100, "{samples} samples");
        assert_eq!(
            count(&stats["user"]["interrupt"]) + count(&stats["kernel_only"]),
            samples
        );
        assert_eq!(self.text("chain.stderr").matches("cannot defer").count(), 1);
        let doctor = self.json("doctor.json");
        assert_eq!(doctor["checks"]["deferred_capture"]["found"], "no");
        assert_eq!(doctor["can_capture"], true);
        let share = self.chain_share("run;one;two;three;four;five");
        assert!(share > 0.95, "chain in {share} of samples");
        format!(
            "fallback, {samples} samples, chain in {:.1} %",
            share * 100.0
        )
    }

    fn check_stacks(&self, defers: bool) -> String {
        if defers {
            self.check_deferred()
        } else {
            self.check_fallback()
        }
    }

    fn check_deferred(&self) -> String {
        let stats = self.json("chain.json");
        assert_eq!(stats["capture"], "deferred");
        assert_nothing_lost(&stats);
        let share = self.chain_share("run;one;two;three;four;five");
        assert!(share > 0.99, "chain in {share} of samples");
        format!("deferred, chain in {:.1} %", share * 100.0)
    }

    /// Deleted programs that nobody opened have names from what is mapped, or, where files can
    /// be read, from what is in the file alone.
    fn check_captured(&self, reads_files: bool) -> String {
        let kinds = [("exported", true), ("static", reads_files)];
        for (kind, has_names) in kinds {
            let share = |chain| self.share(&format!("{kind}.folded"), "gone;", chain);
            let named = share(";main;vanished");
            assert_eq!(named > 0.9, has_names, "{kind}: {named}");
            assert_eq!(named == 0.0, !has_names, "{kind}: {named}");
            let captured = self.json(&format!("{kind}.json"));
            let captured = count(&captured["modules"]["symbols_captured"]);
            assert_eq!(captured > 0, has_names, "{kind}: {captured}");
        }
        let named = kinds.iter().filter(|(_, has_names)| *has_names);
        let named: Vec<_> = named.map(|(kind, _)| *kind).collect();
        format!(
            "names were captured of a program that is {}",
            named.join(" and of one that is ")
        )
    }

    /// Threads that wait are read from outside where that is safe, and else it is said.
    fn check_waiting(&self) -> String {
        let refuses = self
            .text("dump.stderr")
            .contains("does not let them be read");
        let key = if refuses { "pending" } else { "complete" };
        for name in ["dump.json", "waits.json"] {
            let stats = self.json(name);
            assert_eq!(count(&stats["user"][key]), 3, "{name}: {stats}");
        }
        if refuses {
            "stacks of threads that wait are not read".into()
        } else {
            "stacks of threads that wait are read".into()
        }
    }

    /// Tasks are known by their cgroup though perf's controller is not in it, and it is said that
    /// this one cannot be sampled.
    fn check_cgroup(&self) -> String {
        let said = self.text("cgroup.stderr");
        assert!(said.contains("perf's controller is off"), "without: {said}");
        let share = self.share("plain.folded", ";run;", "one;two;three;four;five");
        assert!(share > 0.9, "chain in {share} of samples");
        "samples have a cgroup that has no controller".into()
    }

    /// Every sample of the watchpoint was in an NMI, scheduled its callback, and got its user half.
    fn check_nmi(&self) -> String {
        let stats = self.json("nmi.json");
        assert_nothing_lost(&stats);
        let samples = count(&stats["samples"]);
        assert!(samples >= FORKS, "{samples} samples of {FORKS} forks");
        assert_eq!(
            count(&stats["samples_in_nmi"]),
            samples,
            "samples in an NMI"
        );
        assert_eq!(count(&stats["user_halves"]), samples, "callbacks that ran");
        assert_eq!(count(&stats["user"]["lost"]), 0);
        assert_eq!(count(&stats["user"]["pending"]), 0);
        format!("{samples} of {samples} samples in an NMI, all callbacks ran")
    }

    /// Others are sampled while a CPU is offline, and that one when it is back.
    fn check_cpus(&self) -> String {
        let stats = self.json("cpus.json");
        assert_nothing_lost(&stats);
        let text = self.text("cpus.folded");
        let counts = ["before", "absent", "back"].map(|name| -> u64 {
            let of = format!("busybox-{name};");
            let lines = text.lines().filter(|line| line.starts_with(&of));
            let counts = lines.filter_map(|line| line.rsplit_once(' '));
            counts
                .map(|(_, count)| count.parse::<u64>().expect("a count is a number"))
                .sum()
        });
        // each could have 495; of the last second may pass before it is seen that the CPU is back
        assert!(
            counts.iter().all(|&count| count > 200),
            "samples before, while and after a CPU was offline: {counts:?}"
        );
        let [before, absent, back] = counts;
        format!("CPU offline and back: {before}, {absent} and {back} samples")
    }

    fn check_dmesg(&self) -> String {
        let dmesg = self.text("dmesg");
        for bad in [
            "WARNING",
            "BUG",
            "Oops",
            "Call Trace",
            "stall",
            "deadlock",
            "lockup",
        ] {
            let line = dmesg.lines().find(|line| line.contains(bad));
            assert_eq!(line, None, "in dmesg");
        }
        "nothing in the kernel's log".into()
    }
}

fn assert_nothing_lost(stats: &Value) {
    let lost = stats["lost"].as_object().expect("lost is an object");
    for (what, n) in lost {
        assert_eq!(count(n), 0, "lost.{what}");
    }
    let user: u64 = stats["user"]
        .as_object()
        .expect("user is an object")
        .values()
        .map(count)
        .sum();
    assert_eq!(
        user + count(&stats["kernel_only"]),
        count(&stats["samples"])
    );
}

fn count(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("not a count: {value}"))
}

fn run(command: &mut Command) {
    let status = command
        .status()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}
