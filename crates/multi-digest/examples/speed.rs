//! How fast streams are hashed, beside OpenSSL hashing them one after the other.
//!
//! `cargo run --release -p multi-digest --example speed [KERNELS] [ROUNDS] [STAGGER]` prints MB/s over all streams,
//! and the ratio to OpenSSL: the median over rounds in which both take turns. KERNELS is `all` or some of `avx512`,
//! `avx2`, `sha` and `openssl` with `+` between them. Each stream has its own megabyte, given in pieces of 64 KiB;
//! STAGGER is how many bytes are between the streams.
#![expect(clippy::print_stdout, reason = "the figures are the point")]

use std::time::Instant;

use multi_digest::{Algorithm, Kernel, Kernels, State, update_many};
use openssl::hash::{Hasher, MessageDigest};

const STREAM: usize = 1 << 20;
const PIECE: usize = 64 << 10;
/// What to measure.
struct Plan {
    kernels: Kernels,
    rounds: usize,
    stagger: usize,
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let kernels = chosen(&arguments.next().unwrap_or_else(|| "all".to_owned()))?;
    let rounds = arguments.next().map_or(Ok(21), |rounds| rounds.parse())?;
    let stagger = arguments.next().map_or(Ok(4160), |stagger| stagger.parse())?;
    let plan = Plan { kernels, rounds, stagger };
    println!("{:<14} {:>7} {:>10} {:>10} {:>7}", "digests", "streams", "MB/s", "OpenSSL", "ratio");
    for streams in [1, 2, 4, 8, 16] {
        for algorithm in Algorithm::ALL {
            row(&[*algorithm], streams, &plan)?;
        }
        row(&[Algorithm::Md5, Algorithm::Sha512], streams, &plan)?;
    }
    Ok(())
}

fn chosen(names: &str) -> Result<Kernels, String> {
    if names == "all" {
        return Ok(Kernels::detected());
    }
    let kernel = |name: &str| match name {
        "avx512" => Kernels::only(Kernel::Avx512),
        "avx2" => Kernels::only(Kernel::Avx2),
        "sha" => Kernels::only(Kernel::ShaNi),
        #[cfg(feature = "openssl")]
        "openssl" => Kernels::only(Kernel::OpenSsl),
        "portable" => Kernels::only(Kernel::Portable),
        _ => None,
    };
    let named = names.split('+').map(|name| kernel(name).ok_or_else(|| format!("there is no kernel '{name}' here")));
    named.reduce(|all, named| Ok(all?.and(named?))).unwrap_or_else(|| Ok(Kernels::detected()))
}

/// Measures `algorithms`, all of them over each of so many streams.
fn row(algorithms: &[Algorithm], streams: usize, plan: &Plan) -> Outcome {
    let data: Vec<u8> = (0..streams * (STREAM + plan.stagger)).map(|at| (at % 251) as u8).collect();
    let data: Vec<&[u8]> = data.chunks(STREAM + plan.stagger).map(|stream| &stream[..STREAM]).collect();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        ours.push(seconds(|| many(algorithms, &data, plan.kernels))?);
        theirs.push(seconds(|| in_sequence(algorithms, &data))?);
    }
    let ratio = median(ours.iter().zip(&theirs).map(|(ours, theirs)| theirs / ours).collect());
    let speed = |times: Vec<f64>| (streams * STREAM) as f64 / median(times) / 1e6;
    let names: Vec<&str> = algorithms.iter().map(|algorithm| algorithm.name()).collect();
    println!("{:<14} {streams:>7} {:>10.0} {:>10.0} {ratio:>7.2}", names.join("+"), speed(ours), speed(theirs));
    Ok(())
}

fn many(algorithms: &[Algorithm], data: &[&[u8]], kernels: Kernels) -> Outcome {
    let mut states: Vec<State> =
        algorithms.iter().flat_map(|algorithm| data.iter().map(|_| State::new(*algorithm))).collect();
    for start in (0..STREAM).step_by(PIECE) {
        let pieces = data.iter().map(|data| &data[start..start + PIECE]).cycle();
        let mut streams: Vec<_> = states.iter_mut().zip(pieces).collect();
        update_many(&mut streams, kernels);
    }
    for state in states {
        std::hint::black_box(state.finalize());
    }
    Ok(())
}

fn in_sequence(algorithms: &[Algorithm], data: &[&[u8]]) -> Outcome {
    for data in data {
        let hasher = |algorithm: &Algorithm| {
            Hasher::new(MessageDigest::from_name(algorithm.name()).ok_or("OpenSSL has no such digest")?)
                .map_err(Box::<dyn std::error::Error>::from)
        };
        let mut hashers: Vec<Hasher> = algorithms.iter().map(hasher).collect::<Result<_, _>>()?;
        for piece in data.chunks(PIECE) {
            for hasher in &mut hashers {
                hasher.update(piece)?;
            }
        }
        for mut hasher in hashers {
            std::hint::black_box(hasher.finish()?);
        }
    }
    Ok(())
}

fn seconds(work: impl FnOnce() -> Outcome) -> Result<f64, Box<dyn std::error::Error>> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
