//! `pike_contract01`: the artifacts, which had become a service of their own, go.

use crate::migrations::artifacts;
use crate::migrations::revision::Revision;
use crate::migrations::step::Step;

pub(crate) const REVISION: Revision = Revision {
    id: "pike_contract01",
    about: "tables of artifacts go",
    follows: Some("ocata_contract01"),
    needs: Some("pike_expand01"),
    upgrade: &[
        Step::DropTable(&artifacts::BLOB_LOCATIONS),
        Step::DropTable(&artifacts::PROPERTIES),
        Step::DropTable(&artifacts::BLOBS),
        Step::DropTable(&artifacts::DEPENDENCIES),
        Step::DropTable(&artifacts::TAGS),
        Step::DropTable(&artifacts::ARTIFACTS),
    ],
    downgrade: &[
        Step::CreateTable(&artifacts::ARTIFACTS),
        Step::CreateTable(&artifacts::BLOBS),
        Step::CreateTable(&artifacts::DEPENDENCIES),
        Step::CreateTable(&artifacts::PROPERTIES),
        Step::CreateTable(&artifacts::TAGS),
        Step::CreateTable(&artifacts::BLOB_LOCATIONS),
    ],
    loses: &[],
};
