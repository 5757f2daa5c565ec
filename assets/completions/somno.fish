# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_somno_global_optspecs
    string join \n v/verbose q/quiet color= no-pager config= h/help V/version
end

function __fish_somno_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_somno_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_somno_using_subcommand
    set -l cmd (__fish_somno_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c somno -n "__fish_somno_needs_command" -l color -d 'Colours in what is shown' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c somno -n "__fish_somno_needs_command" -l config -d 'Take options that are not typed from this file [default: somno/somno.toml in $XDG_CONFIG_HOME or ~/.config, else /etc/somno.toml]' -r -F
complete -c somno -n "__fish_somno_needs_command" -s v -l verbose -d 'Say more; twice for still more'
complete -c somno -n "__fish_somno_needs_command" -s q -l quiet -d 'Say only what went wrong'
complete -c somno -n "__fish_somno_needs_command" -l no-pager -d 'Do not start a pager for what is longer than the terminal'
complete -c somno -n "__fish_somno_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c somno -n "__fish_somno_needs_command" -s V -l version -d 'Print version'
complete -c somno -n "__fish_somno_needs_command" -f -a "record" -d 'Sample a command, processes, a cgroup or the whole system, then write a profile'
complete -c somno -n "__fish_somno_needs_command" -f -a "live" -d 'Sample, and show it live in the terminal'
complete -c somno -n "__fish_somno_needs_command" -f -a "view" -d 'Look at a recording in the terminal'
complete -c somno -n "__fish_somno_needs_command" -f -a "report" -d 'Show where a recording\'s samples are'
complete -c somno -n "__fish_somno_needs_command" -f -a "annotate" -d 'Show hot source lines and instructions of functions'
complete -c somno -n "__fish_somno_needs_command" -f -a "diff" -d 'Show what grew and what shrank between two recordings'
complete -c somno -n "__fish_somno_needs_command" -f -a "export" -d 'Write a recording in another format'
complete -c somno -n "__fish_somno_needs_command" -f -a "dump" -d 'Show the stacks of all threads now, without stopping any'
complete -c somno -n "__fish_somno_needs_command" -f -a "list" -d 'List what -e and --format accept here'
complete -c somno -n "__fish_somno_needs_command" -f -a "doctor" -d 'Tell what this kernel and user can do, and how to get the rest'
complete -c somno -n "__fish_somno_needs_command" -f -a "completions" -d 'Write what a shell needs to complete somno\'s command lines'
complete -c somno -n "__fish_somno_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c somno -n "__fish_somno_using_subcommand record" -s p -l pid -d 'These processes (12,34), all of their threads' -r
complete -c somno -n "__fish_somno_using_subcommand record" -s t -l tid -d 'These threads (12,34)' -r
complete -c somno -n "__fish_somno_using_subcommand record" -l cgroup -d 'This cgroup and those below it: a directory, a path as in /proc/PID/cgroup, or the beginning of a container\'s id' -r -f -a "(__fish_complete_directories)"
complete -c somno -n "__fish_somno_using_subcommand record" -s C -l cpu -d 'Only on these CPUs (0,2-3)' -r
complete -c somno -n "__fish_somno_using_subcommand record" -s u -l uid -d 'Only tasks of this user (a name or a number)' -r -f -a "(__fish_complete_users)"
complete -c somno -n "__fish_somno_using_subcommand record" -l comm -d 'Only tasks whose name matches this regular expression' -r
complete -c somno -n "__fish_somno_using_subcommand record" -s F -l freq -d 'Samples a second [default: 999, with -a within --max-overhead]' -r
complete -c somno -n "__fish_somno_using_subcommand record" -s c -l period -d 'One sample after so many events' -r
complete -c somno -n "__fish_somno_using_subcommand record" -s e -l event -d 'What to count: perf\'s hardware, cache and software names, rNNN, CATEGORY:NAME, mem:ADDR[/LEN][:rwx], uprobe:FILE:SYMBOL[+OFF] [default: cycles, or cpu-clock where there is no PMU]' -r
complete -c somno -n "__fish_somno_using_subcommand record" -l off-cpu -d 'Sample blocked time instead, in nanoseconds: waits of at least MIN [MIN: 100us]' -r
complete -c somno -n "__fish_somno_using_subcommand record" -l wall -d 'Sample time on and off the CPU together, in nanoseconds [MIN: 100us]' -r
complete -c somno -n "__fish_somno_using_subcommand record" -l env -d 'Label samples with this variable of their process\'s environment' -r
complete -c somno -n "__fish_somno_using_subcommand record" -s d -l duration -d 'Stop after this time (500ms, 10s, 1.5m; or seconds); a command that still runs is ended' -r
complete -c somno -n "__fish_somno_using_subcommand record" -l delay -d 'Wait this long before sampling (500ms, 2s)' -r
complete -c somno -n "__fish_somno_using_subcommand record" -l max-depth -d 'User frames to keep, leaf first, up to 1024 [default: 512]' -r
complete -c somno -n "__fish_somno_using_subcommand record" -l max-overhead -d 'Shed samples evenly where somno takes more than this share of a CPU, in percent [default: 5 with -a where no rate is given, else none]' -r
complete -c somno -n "__fish_somno_using_subcommand record" -s o -l output -d 'Write here, by extension: .somno, .svg, .html, .folded, .txt, .pb.gz, .pprof, .speedscope.json, .firefox.json, .firefox.json.gz, .perf, .json; - is stdout [default: profile.somno]' -r -F
complete -c somno -n "__fish_somno_using_subcommand record" -l format -d 'What to write, whatever the extension' -r -f -a "recording\t'Everything, to be looked at later'
svg\t'A flame graph'
html\t'An interactive page, whole in itself'
folded\t'Folded stacks'
pprof\t'A profile for pprof, as of Go'
speedscope\t'A profile for speedscope.app'
firefox\t'A profile for profiler.firefox.com'
perf-script\t'The text that perf script prints'
json\t'Counts, functions and threads, as report --format json'"
complete -c somno -n "__fish_somno_using_subcommand record" -l rotate -d 'Write a recording in segments of this length, and keep the last N of them (60s:10)' -r
complete -c somno -n "__fish_somno_using_subcommand record" -l stats -d 'Write counts of what happened, was lost and cost, as JSON; - is stdout' -r -F
complete -c somno -n "__fish_somno_using_subcommand record" -l title -d 'Put this above [default: what was sampled]' -r
complete -c somno -n "__fish_somno_using_subcommand record" -l width -d 'Pixels from side to side of a flame graph [default: as wide as the window]' -r
complete -c somno -n "__fish_somno_using_subcommand record" -l colors -d 'Colour by kind of code (kind), or by one of inferno\'s palettes (hot, java, rust, ...) [default: kind]' -r
complete -c somno -n "__fish_somno_using_subcommand record" -l min-width -d 'Leave out frames of less than this percentage of the whole [default: 0.01]' -r
complete -c somno -n "__fish_somno_using_subcommand record" -l color -d 'Colours in what is shown' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c somno -n "__fish_somno_using_subcommand record" -l config -d 'Take options that are not typed from this file [default: somno/somno.toml in $XDG_CONFIG_HOME or ~/.config, else /etc/somno.toml]' -r -F
complete -c somno -n "__fish_somno_using_subcommand record" -s a -l all -d 'The whole system'
complete -c somno -n "__fish_somno_using_subcommand record" -l no-inherit -d 'Do not follow children and threads made later'
complete -c somno -n "__fish_somno_using_subcommand record" -l wakers -d 'With --off-cpu or --wall: who ended each wait'
complete -c somno -n "__fish_somno_using_subcommand record" -l no-kernel -d 'Drop kernel frames, keep every sample'
complete -c somno -n "__fish_somno_using_subcommand record" -l as-root -d 'Under sudo, run the command as root, not as the calling user'
complete -c somno -n "__fish_somno_using_subcommand record" -l debuginfod -d 'Ask the servers in DEBUGINFOD_URLS for debug files that are not here [off]'
complete -c somno -n "__fish_somno_using_subcommand record" -l no-symbols -d 'Leave names out of the recording'
complete -c somno -n "__fish_somno_using_subcommand record" -l icicle -d 'Draw roots at the top'
complete -c somno -n "__fish_somno_using_subcommand record" -l flamechart -d 'Keep stacks in order of time, do not merge them'
complete -c somno -n "__fish_somno_using_subcommand record" -l reverse -d 'Turn stacks round: leaves at the root'
complete -c somno -n "__fish_somno_using_subcommand record" -l open -d 'Show the result in a browser: a flame graph, or a profile in the viewer it is for'
complete -c somno -n "__fish_somno_using_subcommand record" -s v -l verbose -d 'Say more; twice for still more'
complete -c somno -n "__fish_somno_using_subcommand record" -s q -l quiet -d 'Say only what went wrong'
complete -c somno -n "__fish_somno_using_subcommand record" -l no-pager -d 'Do not start a pager for what is longer than the terminal'
complete -c somno -n "__fish_somno_using_subcommand record" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c somno -n "__fish_somno_using_subcommand live" -s p -l pid -d 'These processes (12,34), all of their threads' -r
complete -c somno -n "__fish_somno_using_subcommand live" -s t -l tid -d 'These threads (12,34)' -r
complete -c somno -n "__fish_somno_using_subcommand live" -l cgroup -d 'This cgroup and those below it: a directory, a path as in /proc/PID/cgroup, or the beginning of a container\'s id' -r -f -a "(__fish_complete_directories)"
complete -c somno -n "__fish_somno_using_subcommand live" -s C -l cpu -d 'Only on these CPUs (0,2-3)' -r
complete -c somno -n "__fish_somno_using_subcommand live" -s u -l uid -d 'Only tasks of this user (a name or a number)' -r -f -a "(__fish_complete_users)"
complete -c somno -n "__fish_somno_using_subcommand live" -l comm -d 'Only tasks whose name matches this regular expression' -r
complete -c somno -n "__fish_somno_using_subcommand live" -s F -l freq -d 'Samples a second [default: 999, with -a within --max-overhead]' -r
complete -c somno -n "__fish_somno_using_subcommand live" -s c -l period -d 'One sample after so many events' -r
complete -c somno -n "__fish_somno_using_subcommand live" -s e -l event -d 'What to count: perf\'s hardware, cache and software names, rNNN, CATEGORY:NAME, mem:ADDR[/LEN][:rwx], uprobe:FILE:SYMBOL[+OFF] [default: cycles, or cpu-clock where there is no PMU]' -r
complete -c somno -n "__fish_somno_using_subcommand live" -l env -d 'Label samples with this variable of their process\'s environment' -r
complete -c somno -n "__fish_somno_using_subcommand live" -s d -l duration -d 'Stop after this time (500ms, 10s, 1.5m; or seconds); a command that still runs is ended' -r
complete -c somno -n "__fish_somno_using_subcommand live" -l delay -d 'Wait this long before sampling (500ms, 2s)' -r
complete -c somno -n "__fish_somno_using_subcommand live" -l max-depth -d 'User frames to keep, leaf first, up to 1024 [default: 512]' -r
complete -c somno -n "__fish_somno_using_subcommand live" -l max-overhead -d 'Shed samples evenly where somno takes more than this share of a CPU, in percent [default: 5 with -a where no rate is given, else none]' -r
complete -c somno -n "__fish_somno_using_subcommand live" -l theme -d 'Colours [default: what fits the terminal; none where NO_COLOR is set]' -r -f -a "dark\t'For a dark background'
light\t'For a light background'
mono\t'No colours'"
complete -c somno -n "__fish_somno_using_subcommand live" -l color -d 'Colours in what is shown' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c somno -n "__fish_somno_using_subcommand live" -l config -d 'Take options that are not typed from this file [default: somno/somno.toml in $XDG_CONFIG_HOME or ~/.config, else /etc/somno.toml]' -r -F
complete -c somno -n "__fish_somno_using_subcommand live" -s a -l all -d 'The whole system'
complete -c somno -n "__fish_somno_using_subcommand live" -l no-inherit -d 'Do not follow children and threads made later'
complete -c somno -n "__fish_somno_using_subcommand live" -l no-kernel -d 'Drop kernel frames, keep every sample'
complete -c somno -n "__fish_somno_using_subcommand live" -l as-root -d 'Under sudo, run the command as root, not as the calling user'
complete -c somno -n "__fish_somno_using_subcommand live" -l ascii -d 'Draw with ASCII only'
complete -c somno -n "__fish_somno_using_subcommand live" -l debuginfod -d 'Ask the servers in DEBUGINFOD_URLS for debug files that are not here [off]'
complete -c somno -n "__fish_somno_using_subcommand live" -s v -l verbose -d 'Say more; twice for still more'
complete -c somno -n "__fish_somno_using_subcommand live" -s q -l quiet -d 'Say only what went wrong'
complete -c somno -n "__fish_somno_using_subcommand live" -l no-pager -d 'Do not start a pager for what is longer than the terminal'
complete -c somno -n "__fish_somno_using_subcommand live" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c somno -n "__fish_somno_using_subcommand view" -l event -d 'Only this event, where several were recorded' -r
complete -c somno -n "__fish_somno_using_subcommand view" -l theme -d 'Colours [default: what fits the terminal; none where NO_COLOR is set]' -r -f -a "dark\t'For a dark background'
light\t'For a light background'
mono\t'No colours'"
complete -c somno -n "__fish_somno_using_subcommand view" -l color -d 'Colours in what is shown' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c somno -n "__fish_somno_using_subcommand view" -l config -d 'Take options that are not typed from this file [default: somno/somno.toml in $XDG_CONFIG_HOME or ~/.config, else /etc/somno.toml]' -r -F
complete -c somno -n "__fish_somno_using_subcommand view" -l ascii -d 'Draw with ASCII only'
complete -c somno -n "__fish_somno_using_subcommand view" -s v -l verbose -d 'Say more; twice for still more'
complete -c somno -n "__fish_somno_using_subcommand view" -s q -l quiet -d 'Say only what went wrong'
complete -c somno -n "__fish_somno_using_subcommand view" -l no-pager -d 'Do not start a pager for what is longer than the terminal'
complete -c somno -n "__fish_somno_using_subcommand view" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c somno -n "__fish_somno_using_subcommand report" -l top -d 'Functions to show [default: 40; with --format json all]' -r
complete -c somno -n "__fish_somno_using_subcommand report" -l callers -d 'Show the callers of functions that match this regular expression' -r
complete -c somno -n "__fish_somno_using_subcommand report" -l format -d 'How to show it' -r -f -a "text\t'For people'
json\t'For scripts'"
complete -c somno -n "__fish_somno_using_subcommand report" -l comm -d 'Only threads whose name matches this regular expression' -r
complete -c somno -n "__fish_somno_using_subcommand report" -l cgroup -d 'Only in cgroups whose path matches this regular expression' -r
complete -c somno -n "__fish_somno_using_subcommand report" -l env -d 'Only where this variable, which was recorded, matches this regular expression' -r
complete -c somno -n "__fish_somno_using_subcommand report" -s p -l pid -d 'Only these processes (12,34)' -r
complete -c somno -n "__fish_somno_using_subcommand report" -s t -l tid -d 'Only these threads (12,34)' -r
complete -c somno -n "__fish_somno_using_subcommand report" -s C -l cpu -d 'Only on these CPUs (0,2-3)' -r
complete -c somno -n "__fish_somno_using_subcommand report" -l function -d 'Only stacks with a function that matches this regular expression' -r
complete -c somno -n "__fish_somno_using_subcommand report" -l module -d 'Only stacks with a module whose path matches this regular expression' -r
complete -c somno -n "__fish_somno_using_subcommand report" -l event -d 'Only this event, where several were recorded' -r
complete -c somno -n "__fish_somno_using_subcommand report" -l from -d 'Only from this time since the start on (1.5s)' -r
complete -c somno -n "__fish_somno_using_subcommand report" -l to -d 'Only before this time since the start (2m)' -r
complete -c somno -n "__fish_somno_using_subcommand report" -l group -d 'What samples are put together by [default: the thread\'s name]' -r -f -a "process\t'Processes, by name and number'
thread\t'Threads, by name and number'
cpu\t'CPUs'
none\t'Nothing: all together'"
complete -c somno -n "__fish_somno_using_subcommand report" -l color -d 'Colours in what is shown' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c somno -n "__fish_somno_using_subcommand report" -l config -d 'Take options that are not typed from this file [default: somno/somno.toml in $XDG_CONFIG_HOME or ~/.config, else /etc/somno.toml]' -r -F
complete -c somno -n "__fish_somno_using_subcommand report" -l tree -d 'Show who calls whom, from the roots'
complete -c somno -n "__fish_somno_using_subcommand report" -l no-kernel -d 'Leave kernel frames out, keep every sample'
complete -c somno -n "__fish_somno_using_subcommand report" -s v -l verbose -d 'Say more; twice for still more'
complete -c somno -n "__fish_somno_using_subcommand report" -s q -l quiet -d 'Say only what went wrong'
complete -c somno -n "__fish_somno_using_subcommand report" -l no-pager -d 'Do not start a pager for what is longer than the terminal'
complete -c somno -n "__fish_somno_using_subcommand report" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c somno -n "__fish_somno_using_subcommand annotate" -l color -d 'Colours in what is shown' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c somno -n "__fish_somno_using_subcommand annotate" -l config -d 'Take options that are not typed from this file [default: somno/somno.toml in $XDG_CONFIG_HOME or ~/.config, else /etc/somno.toml]' -r -F
complete -c somno -n "__fish_somno_using_subcommand annotate" -s v -l verbose -d 'Say more; twice for still more'
complete -c somno -n "__fish_somno_using_subcommand annotate" -s q -l quiet -d 'Say only what went wrong'
complete -c somno -n "__fish_somno_using_subcommand annotate" -l no-pager -d 'Do not start a pager for what is longer than the terminal'
complete -c somno -n "__fish_somno_using_subcommand annotate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c somno -n "__fish_somno_using_subcommand diff" -s o -l output -d 'Draw a flame graph of AFTER here (.svg), red where it grew and blue where it shrank' -r -F
complete -c somno -n "__fish_somno_using_subcommand diff" -l threshold -d 'Hide functions that changed by less, in percentage points [default: 0.5]' -r
complete -c somno -n "__fish_somno_using_subcommand diff" -l comm -d 'Only threads whose name matches this regular expression' -r
complete -c somno -n "__fish_somno_using_subcommand diff" -l cgroup -d 'Only in cgroups whose path matches this regular expression' -r
complete -c somno -n "__fish_somno_using_subcommand diff" -l env -d 'Only where this variable, which was recorded, matches this regular expression' -r
complete -c somno -n "__fish_somno_using_subcommand diff" -s p -l pid -d 'Only these processes (12,34)' -r
complete -c somno -n "__fish_somno_using_subcommand diff" -s t -l tid -d 'Only these threads (12,34)' -r
complete -c somno -n "__fish_somno_using_subcommand diff" -s C -l cpu -d 'Only on these CPUs (0,2-3)' -r
complete -c somno -n "__fish_somno_using_subcommand diff" -l function -d 'Only stacks with a function that matches this regular expression' -r
complete -c somno -n "__fish_somno_using_subcommand diff" -l module -d 'Only stacks with a module whose path matches this regular expression' -r
complete -c somno -n "__fish_somno_using_subcommand diff" -l event -d 'Only this event, where several were recorded' -r
complete -c somno -n "__fish_somno_using_subcommand diff" -l from -d 'Only from this time since the start on (1.5s)' -r
complete -c somno -n "__fish_somno_using_subcommand diff" -l to -d 'Only before this time since the start (2m)' -r
complete -c somno -n "__fish_somno_using_subcommand diff" -l group -d 'What samples are put together by [default: the thread\'s name]' -r -f -a "process\t'Processes, by name and number'
thread\t'Threads, by name and number'
cpu\t'CPUs'
none\t'Nothing: all together'"
complete -c somno -n "__fish_somno_using_subcommand diff" -l color -d 'Colours in what is shown' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c somno -n "__fish_somno_using_subcommand diff" -l config -d 'Take options that are not typed from this file [default: somno/somno.toml in $XDG_CONFIG_HOME or ~/.config, else /etc/somno.toml]' -r -F
complete -c somno -n "__fish_somno_using_subcommand diff" -l no-kernel -d 'Leave kernel frames out, keep every sample'
complete -c somno -n "__fish_somno_using_subcommand diff" -s v -l verbose -d 'Say more; twice for still more'
complete -c somno -n "__fish_somno_using_subcommand diff" -s q -l quiet -d 'Say only what went wrong'
complete -c somno -n "__fish_somno_using_subcommand diff" -l no-pager -d 'Do not start a pager for what is longer than the terminal'
complete -c somno -n "__fish_somno_using_subcommand diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c somno -n "__fish_somno_using_subcommand export" -s o -l output -d 'Write here, by extension: .svg, .html, .folded, .txt, .pb.gz, .pprof, .speedscope.json, .firefox.json, .firefox.json.gz, .perf, .json; - is stdout' -r -F
complete -c somno -n "__fish_somno_using_subcommand export" -l format -d 'What to write, whatever the extension' -r -f -a "svg\t'A flame graph'
html\t'An interactive page, whole in itself'
folded\t'Folded stacks'
pprof\t'A profile for pprof, as of Go'
speedscope\t'A profile for speedscope.app'
firefox\t'A profile for profiler.firefox.com'
perf-script\t'The text that perf script prints'
json\t'Counts, functions and threads, as report --format json'"
complete -c somno -n "__fish_somno_using_subcommand export" -l comm -d 'Only threads whose name matches this regular expression' -r
complete -c somno -n "__fish_somno_using_subcommand export" -l cgroup -d 'Only in cgroups whose path matches this regular expression' -r
complete -c somno -n "__fish_somno_using_subcommand export" -l env -d 'Only where this variable, which was recorded, matches this regular expression' -r
complete -c somno -n "__fish_somno_using_subcommand export" -s p -l pid -d 'Only these processes (12,34)' -r
complete -c somno -n "__fish_somno_using_subcommand export" -s t -l tid -d 'Only these threads (12,34)' -r
complete -c somno -n "__fish_somno_using_subcommand export" -s C -l cpu -d 'Only on these CPUs (0,2-3)' -r
complete -c somno -n "__fish_somno_using_subcommand export" -l function -d 'Only stacks with a function that matches this regular expression' -r
complete -c somno -n "__fish_somno_using_subcommand export" -l module -d 'Only stacks with a module whose path matches this regular expression' -r
complete -c somno -n "__fish_somno_using_subcommand export" -l event -d 'Only this event, where several were recorded' -r
complete -c somno -n "__fish_somno_using_subcommand export" -l from -d 'Only from this time since the start on (1.5s)' -r
complete -c somno -n "__fish_somno_using_subcommand export" -l to -d 'Only before this time since the start (2m)' -r
complete -c somno -n "__fish_somno_using_subcommand export" -l group -d 'What samples are put together by [default: the thread\'s name]' -r -f -a "process\t'Processes, by name and number'
thread\t'Threads, by name and number'
cpu\t'CPUs'
none\t'Nothing: all together'"
complete -c somno -n "__fish_somno_using_subcommand export" -l title -d 'Put this above [default: what was sampled]' -r
complete -c somno -n "__fish_somno_using_subcommand export" -l width -d 'Pixels from side to side of a flame graph [default: as wide as the window]' -r
complete -c somno -n "__fish_somno_using_subcommand export" -l colors -d 'Colour by kind of code (kind), or by one of inferno\'s palettes (hot, java, rust, ...) [default: kind]' -r
complete -c somno -n "__fish_somno_using_subcommand export" -l min-width -d 'Leave out frames of less than this percentage of the whole [default: 0.01]' -r
complete -c somno -n "__fish_somno_using_subcommand export" -l color -d 'Colours in what is shown' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c somno -n "__fish_somno_using_subcommand export" -l config -d 'Take options that are not typed from this file [default: somno/somno.toml in $XDG_CONFIG_HOME or ~/.config, else /etc/somno.toml]' -r -F
complete -c somno -n "__fish_somno_using_subcommand export" -l no-kernel -d 'Leave kernel frames out, keep every sample'
complete -c somno -n "__fish_somno_using_subcommand export" -l icicle -d 'Draw roots at the top'
complete -c somno -n "__fish_somno_using_subcommand export" -l flamechart -d 'Keep stacks in order of time, do not merge them'
complete -c somno -n "__fish_somno_using_subcommand export" -l reverse -d 'Turn stacks round: leaves at the root'
complete -c somno -n "__fish_somno_using_subcommand export" -l open -d 'Show the result in a browser: a flame graph, or a profile in the viewer it is for'
complete -c somno -n "__fish_somno_using_subcommand export" -s v -l verbose -d 'Say more; twice for still more'
complete -c somno -n "__fish_somno_using_subcommand export" -s q -l quiet -d 'Say only what went wrong'
complete -c somno -n "__fish_somno_using_subcommand export" -l no-pager -d 'Do not start a pager for what is longer than the terminal'
complete -c somno -n "__fish_somno_using_subcommand export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c somno -n "__fish_somno_using_subcommand dump" -s p -l pid -d 'These processes (12,34), all of their threads' -r
complete -c somno -n "__fish_somno_using_subcommand dump" -s t -l tid -d 'These threads (12,34)' -r
complete -c somno -n "__fish_somno_using_subcommand dump" -l cgroup -d 'This cgroup and those below it: a directory, a path as in /proc/PID/cgroup, or the beginning of a container\'s id' -r -f -a "(__fish_complete_directories)"
complete -c somno -n "__fish_somno_using_subcommand dump" -s C -l cpu -d 'Only on these CPUs (0,2-3)' -r
complete -c somno -n "__fish_somno_using_subcommand dump" -s u -l uid -d 'Only tasks of this user (a name or a number)' -r -f -a "(__fish_complete_users)"
complete -c somno -n "__fish_somno_using_subcommand dump" -l comm -d 'Only tasks whose name matches this regular expression' -r
complete -c somno -n "__fish_somno_using_subcommand dump" -l format -d 'How to show it' -r -f -a "text\t'For people'
json\t'For scripts'"
complete -c somno -n "__fish_somno_using_subcommand dump" -l color -d 'Colours in what is shown' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c somno -n "__fish_somno_using_subcommand dump" -l config -d 'Take options that are not typed from this file [default: somno/somno.toml in $XDG_CONFIG_HOME or ~/.config, else /etc/somno.toml]' -r -F
complete -c somno -n "__fish_somno_using_subcommand dump" -s a -l all -d 'The whole system'
complete -c somno -n "__fish_somno_using_subcommand dump" -s v -l verbose -d 'Say more; twice for still more'
complete -c somno -n "__fish_somno_using_subcommand dump" -s q -l quiet -d 'Say only what went wrong'
complete -c somno -n "__fish_somno_using_subcommand dump" -l no-pager -d 'Do not start a pager for what is longer than the terminal'
complete -c somno -n "__fish_somno_using_subcommand dump" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c somno -n "__fish_somno_using_subcommand list" -l color -d 'Colours in what is shown' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c somno -n "__fish_somno_using_subcommand list" -l config -d 'Take options that are not typed from this file [default: somno/somno.toml in $XDG_CONFIG_HOME or ~/.config, else /etc/somno.toml]' -r -F
complete -c somno -n "__fish_somno_using_subcommand list" -s v -l verbose -d 'Say more; twice for still more'
complete -c somno -n "__fish_somno_using_subcommand list" -s q -l quiet -d 'Say only what went wrong'
complete -c somno -n "__fish_somno_using_subcommand list" -l no-pager -d 'Do not start a pager for what is longer than the terminal'
complete -c somno -n "__fish_somno_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c somno -n "__fish_somno_using_subcommand doctor" -l format -d 'How to say it' -r -f -a "text\t'For people'
json\t'For scripts'"
complete -c somno -n "__fish_somno_using_subcommand doctor" -l color -d 'Colours in what is shown' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c somno -n "__fish_somno_using_subcommand doctor" -l config -d 'Take options that are not typed from this file [default: somno/somno.toml in $XDG_CONFIG_HOME or ~/.config, else /etc/somno.toml]' -r -F
complete -c somno -n "__fish_somno_using_subcommand doctor" -s v -l verbose -d 'Say more; twice for still more'
complete -c somno -n "__fish_somno_using_subcommand doctor" -s q -l quiet -d 'Say only what went wrong'
complete -c somno -n "__fish_somno_using_subcommand doctor" -l no-pager -d 'Do not start a pager for what is longer than the terminal'
complete -c somno -n "__fish_somno_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c somno -n "__fish_somno_using_subcommand completions" -l color -d 'Colours in what is shown' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c somno -n "__fish_somno_using_subcommand completions" -l config -d 'Take options that are not typed from this file [default: somno/somno.toml in $XDG_CONFIG_HOME or ~/.config, else /etc/somno.toml]' -r -F
complete -c somno -n "__fish_somno_using_subcommand completions" -s v -l verbose -d 'Say more; twice for still more'
complete -c somno -n "__fish_somno_using_subcommand completions" -s q -l quiet -d 'Say only what went wrong'
complete -c somno -n "__fish_somno_using_subcommand completions" -l no-pager -d 'Do not start a pager for what is longer than the terminal'
complete -c somno -n "__fish_somno_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c somno -n "__fish_somno_using_subcommand help; and not __fish_seen_subcommand_from record live view report annotate diff export dump list doctor completions help" -f -a "record" -d 'Sample a command, processes, a cgroup or the whole system, then write a profile'
complete -c somno -n "__fish_somno_using_subcommand help; and not __fish_seen_subcommand_from record live view report annotate diff export dump list doctor completions help" -f -a "live" -d 'Sample, and show it live in the terminal'
complete -c somno -n "__fish_somno_using_subcommand help; and not __fish_seen_subcommand_from record live view report annotate diff export dump list doctor completions help" -f -a "view" -d 'Look at a recording in the terminal'
complete -c somno -n "__fish_somno_using_subcommand help; and not __fish_seen_subcommand_from record live view report annotate diff export dump list doctor completions help" -f -a "report" -d 'Show where a recording\'s samples are'
complete -c somno -n "__fish_somno_using_subcommand help; and not __fish_seen_subcommand_from record live view report annotate diff export dump list doctor completions help" -f -a "annotate" -d 'Show hot source lines and instructions of functions'
complete -c somno -n "__fish_somno_using_subcommand help; and not __fish_seen_subcommand_from record live view report annotate diff export dump list doctor completions help" -f -a "diff" -d 'Show what grew and what shrank between two recordings'
complete -c somno -n "__fish_somno_using_subcommand help; and not __fish_seen_subcommand_from record live view report annotate diff export dump list doctor completions help" -f -a "export" -d 'Write a recording in another format'
complete -c somno -n "__fish_somno_using_subcommand help; and not __fish_seen_subcommand_from record live view report annotate diff export dump list doctor completions help" -f -a "dump" -d 'Show the stacks of all threads now, without stopping any'
complete -c somno -n "__fish_somno_using_subcommand help; and not __fish_seen_subcommand_from record live view report annotate diff export dump list doctor completions help" -f -a "list" -d 'List what -e and --format accept here'
complete -c somno -n "__fish_somno_using_subcommand help; and not __fish_seen_subcommand_from record live view report annotate diff export dump list doctor completions help" -f -a "doctor" -d 'Tell what this kernel and user can do, and how to get the rest'
complete -c somno -n "__fish_somno_using_subcommand help; and not __fish_seen_subcommand_from record live view report annotate diff export dump list doctor completions help" -f -a "completions" -d 'Write what a shell needs to complete somno\'s command lines'
complete -c somno -n "__fish_somno_using_subcommand help; and not __fish_seen_subcommand_from record live view report annotate diff export dump list doctor completions help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
