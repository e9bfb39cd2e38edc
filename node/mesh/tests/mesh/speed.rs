//! Figures, not promises: `cargo test -p skep-mesh --test mesh -- --ignored --nocapture speed`.

use std::time::{Duration, Instant};

use bytes::Bytes;
use skep_mesh::Class;
use skep_tests::{PATIENCE, TestResult};

use crate::support::{Hive, run};

const TOTAL_BYTES: usize = 256 << 20;
const REQUESTS: u32 = 5_000;

/// What this process has spent, both sides of the connection together.
fn cpu_time() -> TestResult<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(Duration::from_millis(ticks * 10))
}

#[test]
#[ignore = "a measurement"]
fn speed_of_a_stream_of_frames() -> TestResult {
    let hive = Hive::new("bees")?;
    let (one, two) = (hive.node(1)?, hive.node(2)?);
    run(async {
        for frame_bytes in [1 << 10, 16 << 10, 64 << 10, 1 << 20] {
            let open = two.mesh.open(&one.peer, Class::Bulk, PATIENCE).await?;
            // One way only: the other side asks, and is sent to.
            let (mut ask, mut receiver) = open;
            ask.send("pour".into()).await?;
            ask.send(Bytes::from(frame_bytes.to_string())).await?;
            let (begin, cpu) = (Instant::now(), cpu_time()?);
            let mut received = 0;
            while received < TOTAL_BYTES {
                received += receiver.receive().await?.ok_or("the end")?.len();
            }
            let (took, cpu) = (begin.elapsed(), cpu_time()? - cpu);
            let megabytes = received as f64 / 1e6;
            println!(
                "frames of {frame_bytes:7} bytes: {:5.0} MB/s, {:5.0} us of CPU per MB, both sides",
                megabytes / took.as_secs_f64(),
                cpu.as_secs_f64() * 1e6 / megabytes
            );
        }
        let links = one.mesh.links();
        println!("{links:?}");
        assert!(!links.is_empty());
        Ok(())
    })
}

#[test]
#[ignore = "a measurement"]
fn speed_of_requests_one_after_the_other() -> TestResult {
    let hive = Hive::new("bees")?;
    let (one, two) = (hive.node(1)?, hive.node(2)?);
    run(async {
        for class in [Class::Control, Class::Forward] {
            one.ask(&two, class, "a").await?;
            let (begin, cpu) = (Instant::now(), cpu_time()?);
            for _ in 0..REQUESTS {
                one.ask(&two, class, vec![1; 100]).await?;
            }
            let (took, cpu) = (begin.elapsed() / REQUESTS, (cpu_time()? - cpu) / REQUESTS);
            println!("{class:?}: {took:?} a request, {cpu:?} of CPU, both sides");
        }
        assert_eq!(two.requests(), 2 * (1 + REQUESTS as usize));
        Ok(())
    })
}
