//! `mitaka02`: the resource type of instances takes the name that Heat gives it.

use crate::migrations::revision::Revision;
use crate::migrations::step::Step;

pub(crate) const REVISION: Revision = Revision {
    id: "mitaka02",
    about: "resource type OS::Nova::Instance becomes OS::Nova::Server",
    follows: Some("mitaka01"),
    needs: None,
    upgrade: &[Step::Run(
        "UPDATE metadef_resource_types SET name = 'OS::Nova::Server' WHERE name = 'OS::Nova::Instance'",
    )],
    downgrade: &[Step::Run(
        "UPDATE metadef_resource_types SET name = 'OS::Nova::Instance' WHERE name = 'OS::Nova::Server'",
    )],
    loses: &[],
};
