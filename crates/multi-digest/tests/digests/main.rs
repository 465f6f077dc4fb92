//! Digests are those of the standards and of OpenSSL, whichever kernel computes them.

#[cfg(test)]
mod export;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod support;
#[cfg(test)]
mod vectors;
