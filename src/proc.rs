//! /proc: pure parsers, with thin readers beside them.

pub mod cpus;
pub mod hierarchy;
pub mod kallsyms;
pub mod machine;
pub mod maps;
pub mod own;
pub mod stat;
pub mod status;
pub mod tasks;

#[cfg(test)]
mod tests {
    use super::{cpus, hierarchy, maps, own, stat, status};
    use crate::fuzz::Fuzz;

    /// Check that whatever stands in these files, much of which processes choose, is read as
    /// something or nothing.
    #[test]
    fn damage_is_harmless() {
        let texts: [&[u8]; 8] = [
            b"0-3,8\n",
            b"33 24 0:29 / /cg\\040roups/perf_event rw shared:4 - cgroup none rw,perf_event\n",
            b"559000001000-559000002000 r-xp 00001000 fe:01 12      /usr/bin/a b (deleted)\n\
              7f0000000000-7f0000001000 rwxp 00000000 00:00 0\n",
            b"12 (a) b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20\n",
            b"12 (a) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 18446744073709551615 20\n",
            b"Name:\tx\nUid:\t1000\t0\t7\t7\nNSpid:\t4711\t12\t1\nRssAnon:\t 12 kB\n\
              SigIgn:\t0000000000001001\n",
            b"RssAnon:\t18446744073709551615 kB\n",
            b"1500 20 3\n",
        ];
        Fuzz::of(&texts).run(|bytes| {
            let text = String::from_utf8_lossy(bytes);
            let _ = cpus::parse_list(&text, 1024);
            let _ = hierarchy::parse_perf_hierarchy(&text);
            let _ = stat::parse_start(&text);
            let _ = status::parse_identity(&text);
            let _ = status::parse_ignored(&text);
            let _ = status::parse_bytes(&text, "RssAnon");
            let _ = own::parse_cpu(&text);
            for mapping in maps::parse(&text) {
                assert!(mapping.path.len() <= text.len());
            }
        });
    }
}
