//! Tests of the public interface: each format, the properties that hold for every stream, and the
//! comparison with oslo.utils over images that QEMU wrote.

#[cfg(test)]
mod builders;
#[cfg(test)]
mod deviations;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod images;
#[cfg(test)]
mod oslo_utils;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod random;
#[cfg(test)]
mod verdict;
