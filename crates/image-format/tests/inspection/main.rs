//! Tests of the public interface: each format, the properties that hold for every stream, and the
//! comparisons with oslo.utils and with QEMU over images that QEMU wrote.

#[cfg(test)]
mod advisories;
#[cfg(test)]
mod builders;
#[cfg(test)]
mod deviations;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod images;
#[cfg(test)]
mod mutation;
#[cfg(test)]
mod oslo_utils;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod qemu;
#[cfg(test)]
mod random;
#[cfg(test)]
mod support;
#[cfg(test)]
mod verdict;
