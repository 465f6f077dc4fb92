//! Which instructions there are, and which of them may be used.

use std::sync::OnceLock;

/// A set of instructions for which there is code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kernel {
    /// What every processor has: one stream at a time.
    Portable,
    /// AVX2: eight streams of MD5, SHA-1 or SHA-256, or four of SHA-512.
    Avx2,
    /// AVX-512 (F, BW, VL): sixteen streams of MD5, SHA-1 or SHA-256, or eight of SHA-512.
    Avx512,
    /// The SHA extensions: SHA-1 and SHA-256, two streams.
    ShaNi,
    /// OpenSSL's code for one stream of SHA-1, SHA-256 or SHA-512.
    #[cfg(feature = "openssl")]
    OpenSsl,
}

impl Kernel {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Portable,
        Self::Avx2,
        Self::Avx512,
        Self::ShaNi,
        #[cfg(feature = "openssl")]
        Self::OpenSsl,
    ];

    #[cfg(target_arch = "x86_64")]
    fn is_detected(self) -> bool {
        let avx2 =
            || is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2");
        match self {
            Self::Portable => true,
            Self::Avx2 => avx2(),
            Self::Avx512 => {
                avx2()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
            }
            Self::ShaNi => {
                is_x86_feature_detected!("sha")
                    && is_x86_feature_detected!("ssse3")
                    && is_x86_feature_detected!("sse4.1")
            }
            #[cfg(feature = "openssl")]
            Self::OpenSsl => true,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn is_detected(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Avx2 | Self::Avx512 | Self::ShaNi => false,
            #[cfg(feature = "openssl")]
            Self::OpenSsl => true,
        }
    }
}

/// The kernels that may be used. There are only such in it as the processor can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernels {
    members: u8,
}

impl Kernels {
    /// All that this processor can run.
    #[must_use]
    pub fn detected() -> Self {
        static DETECTED: OnceLock<Kernels> = OnceLock::new();
        *DETECTED.get_or_init(|| {
            let kernels = Kernel::ALL.iter().filter(|kernel| kernel.is_detected());
            Self { members: kernels.fold(0, |members, kernel| members | 1 << *kernel as u8) }
        })
    }

    /// `kernel`, and portable code for what it does not do; nothing if the processor cannot run it.
    #[must_use]
    pub fn only(kernel: Kernel) -> Option<Self> {
        let members = 1 << kernel as u8 | 1 << Kernel::Portable as u8;
        Self::detected().contains(kernel).then_some(Self { members })
    }

    /// These and `others`.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        Self { members: self.members | others.members }
    }

    /// Whether `kernel` may be used.
    #[must_use]
    pub fn contains(self, kernel: Kernel) -> bool {
        self.members & 1 << kernel as u8 != 0
    }
}

impl Default for Kernels {
    fn default() -> Self {
        Self::detected()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forced_is_alone_beside_portable_code() {
        let forced: Vec<Kernels> = Kernel::ALL.iter().filter_map(|kernel| Kernels::only(*kernel)).collect();
        assert!(forced.contains(&Kernels { members: 1 }), "portable code works everywhere");
        for kernels in &forced {
            assert!(kernels.contains(Kernel::Portable));
            assert!(Kernel::ALL.iter().filter(|kernel| kernels.contains(**kernel)).count() <= 2);
        }
        assert_eq!(forced.into_iter().reduce(Kernels::and), Some(Kernels::detected()));
    }
}
