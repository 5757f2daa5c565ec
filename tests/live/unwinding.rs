//! Stacks of code without frame pointers.

use crate::machine::Machine;

/// Check that programs of the distribution, which have no frame pointers, have whole
/// stacks, from their entry on.
#[test]
fn programs_without_frame_pointers_are_whole() {
    let machine = Machine::take();
    for (program, arguments) in [
        (
            "/usr/bin/perl",
            ["-e", "my $x = 0; $x += sqrt($_) for 1..4000000"],
        ),
        (
            "/bin/sh",
            ["-c", "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done"],
        ),
    ] {
        let recording = machine
            .record()
            .options("-F 4999")
            .program(program, &arguments)
            .run()
            .exits_with(0);
        let (folded, stats) = recording.adds_up();
        let samples = stats.count("samples");
        let complete = stats.count("user.complete");
        assert!(samples > 200, "{program}: {samples} samples");
        assert!(
            complete * 100 >= samples * 99,
            "{program}: {complete} of {samples} complete"
        );
        let rooted = folded.share(|line| {
            let root = line.frames.first().map_or("", |frame| frame.as_str());
            root == "_start" || root.contains("+0x")
        });
        assert!(rooted > 0.99, "{program}: {rooted} begin at the entry");
    }
}
