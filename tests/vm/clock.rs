//! The wall clock, which is set while somno samples: the guest's, never this machine's.

use serde_json::Value;

use super::{Guest, assert_nothing_lost, count};

/// How far it is set, in seconds: forward, and back.
const JUMPS: [&str; 2] = ["3600", "-3600"];
/// How long is sampled, and how long a segment is, in nanoseconds.
const DURATION: u64 = 4_000_000_000;

/// What the guest runs. The program, which makes code at run time, has names for it just before
/// the clock is set; they are looked for again after that.
pub(super) const GUEST: &str = r"
set_clock() { date -s @$(($(date +%s) + $1)) > /dev/null; }
/usr/bin/maker &
maker=$!
for jump in 3600 -3600; do
	date +%s > /out/clock$jump.began
	$somno record -p $maker -F 199 -d 4s --stats /out/clock$jump.json -o /out/clock$jump.folded \
		-o /out/clock$jump.firefox.json 2> /out/clock$jump.stderr &
	pid=$!
	until grep -qE '^(7|271) ' /proc/$pid/syscall; do sleep 0.1; done
	sleep 1
	echo '0 7fffffffffff written_before' > /tmp/perf-$maker.map
	set_clock $jump
	wait $pid
	rm /tmp/perf-$maker.map
done
$somno record -p $maker -F 199 -d 8s --rotate 4s -o /out/segment.somno 2> /out/segment.stderr &
pid=$!
until grep -qE '^(7|271) ' /proc/$pid/syscall; do sleep 0.1; done
for jump in 3600 -3600; do
	sleep 2
	set_clock $jump
	sleep 2
done
wait $pid
kill $maker
for segment in /out/segment.*.somno; do
	$somno report $segment --format json >> /out/segments.jsons
done
";

impl Guest {
    /// Nothing is longer, shorter or out of order by it, and names are found.
    pub(super) fn check_clock(&self) -> String {
        for jump in JUMPS {
            self.check_jump(jump);
        }
        let segments = self.text("segments.jsons");
        let segments = serde_json::Deserializer::from_str(&segments).into_iter::<Value>();
        let durations: Vec<u64> = segments
            .map(|report| count(&report.expect("a report is JSON")["duration_ns"]))
            .collect();
        // the clock was set forward in the first one, back in the second one
        let (first, all) = (durations[0], durations.iter().sum());
        assert_duration(first, DURATION);
        assert_duration(all, 2 * DURATION);
        assert!(durations.len() > 1, "{durations:?}");
        "an hour forward and back is not noticed".into()
    }

    fn check_jump(&self, jump: &str) {
        let stats = self.json(&format!("clock{jump}.json"));
        assert_nothing_lost(&stats);
        assert_duration(count(&stats["duration_ns"]), DURATION);
        let named = self.share(
            &format!("clock{jump}.folded"),
            "main;run;",
            "main;run;written_before_[j]",
        );
        assert!(named > 0.99, "{jump}: {named} have names");

        let profile = self.json(&format!("clock{jump}.firefox.json"));
        let began = profile["meta"]["startTime"].as_f64().expect("it has one") / 1e3;
        let before = self.text(&format!("clock{jump}.began"));
        let before: f64 = before.trim().parse().expect("date gives seconds");
        // an emulated somno takes its time to begin
        assert!((0.0..300.0).contains(&(began - before)), "{jump}: {began}");
        let times = &profile["threads"][0]["samples"]["time"];
        let times = times.as_array().expect("samples have times").iter();
        let times: Vec<f64> = times.filter_map(Value::as_f64).collect();
        assert!(times.len() > 300, "{jump}: {} samples", times.len());
        let steps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(
            steps.iter().all(|ms| (0.0..1000.0).contains(ms)),
            "{jump}: {steps:?}"
        );
    }
}

/// What an emulated guest adds to a duration is not much.
fn assert_duration(ns: u64, expected: u64) {
    let expected = expected..expected + DURATION / 4;
    assert!(expected.contains(&ns), "{ns} ns");
}
