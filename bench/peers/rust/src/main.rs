//! The Rust crate `procref` as a peer.
//!
//! Usage: rust_peer NAME
//! Lines that it takes: "pairs N" says "pair NS"; "lock" tries until it has the lock, as the crate cannot wait, and says
//! "locked". It ends at the end of its input.

use procref::{PlatformRefCounter, RefCounter};
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

fn main() {
    let name = std::env::args().nth(1).expect("usage: rust_peer NAME");
    let counter = PlatformRefCounter::new(&name).expect("a counter");
    say("ready");
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        if let Some(pairs) = line.strip_prefix("pairs ") {
            let pairs: u32 = pairs.parse().expect("a number");
            let began = Instant::now();
            for _ in 0..pairs {
                counter.acquire().expect("acquire");
                counter.release().expect("release");
            }
            say(&format!("pair {:.1}", began.elapsed().as_nanos() as f64 / f64::from(pairs)));
        } else if line == "lock" {
            while !counter.try_lock().expect("try_lock") {
                std::thread::sleep(Duration::from_millis(1));
            }
            say("locked");
        }
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("somebody listens");
}
