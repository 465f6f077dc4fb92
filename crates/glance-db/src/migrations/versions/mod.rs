//! Upstream's revisions, one file each.

mod liberty;
mod mitaka01;
mod mitaka02;
mod ocata_contract01;
mod ocata_expand01;
mod pike_contract01;
mod pike_expand01;
mod queens_contract01;
mod queens_expand01;
mod rocky_contract01;
mod rocky_contract02;
mod rocky_expand01;
mod rocky_expand02;
mod train_contract01;
mod train_expand01;
mod ussuri_contract01;
mod ussuri_expand01;
mod v2023_1_contract01;
mod v2023_1_expand01;
mod v2024_1_contract01;
mod v2024_1_expand01;
mod wallaby_contract01;
mod wallaby_expand01;
mod xena_contract01;
mod xena_expand01;
mod yoga_contract01;
mod yoga_expand01;
mod zed_contract01;
mod zed_expand01;

use super::revision::Revision;

/// Every revision, each after those that it builds on.
pub(crate) const ALL: [&Revision; 29] = [
    &liberty::REVISION,
    &mitaka01::REVISION,
    &mitaka02::REVISION,
    &ocata_expand01::REVISION,
    &ocata_contract01::REVISION,
    &pike_expand01::REVISION,
    &pike_contract01::REVISION,
    &queens_expand01::REVISION,
    &queens_contract01::REVISION,
    &rocky_expand01::REVISION,
    &rocky_contract01::REVISION,
    &rocky_expand02::REVISION,
    &rocky_contract02::REVISION,
    &train_expand01::REVISION,
    &train_contract01::REVISION,
    &ussuri_expand01::REVISION,
    &ussuri_contract01::REVISION,
    &wallaby_expand01::REVISION,
    &wallaby_contract01::REVISION,
    &xena_expand01::REVISION,
    &xena_contract01::REVISION,
    &yoga_expand01::REVISION,
    &yoga_contract01::REVISION,
    &zed_expand01::REVISION,
    &zed_contract01::REVISION,
    &v2023_1_expand01::REVISION,
    &v2023_1_contract01::REVISION,
    &v2024_1_expand01::REVISION,
    &v2024_1_contract01::REVISION,
];
