//! `mitaka02`: the resource type of instances takes the name that Heat gives it.

use crate::migrations::revision::{Loses, Revision, Rows};
use crate::migrations::step::Step;

pub(crate) const REVISION: Revision = Revision {
    id: "mitaka02",
    about: "resource type OS::Nova::Instance becomes OS::Nova::Server",
    follows: Some("mitaka01"),
    needs: None,
    // Names are unique: where there are resource types of both names, they stay as they are.
    upgrade: &[Step::Run(
        "UPDATE metadef_resource_types SET name = 'OS::Nova::Server' WHERE name = 'OS::Nova::Instance' AND NOT EXISTS \
         (SELECT 1 FROM (SELECT id FROM metadef_resource_types WHERE name = 'OS::Nova::Server') AS same)",
    )],
    downgrade: &[Step::Run(
        "UPDATE metadef_resource_types SET name = 'OS::Nova::Instance' WHERE name = 'OS::Nova::Server' AND NOT EXISTS \
         (SELECT 1 FROM (SELECT id FROM metadef_resource_types WHERE name = 'OS::Nova::Instance') AS same)",
    )],
    loses: &[Loses {
        what: "the name OS::Nova::Instance of a resource type: the way back up makes it OS::Nova::Server",
        table: "metadef_resource_types",
        column: "name",
        rows: Rows::Where(
            "name = 'OS::Nova::Instance' AND NOT EXISTS \
               (SELECT 1 FROM metadef_resource_types AS same WHERE same.name = 'OS::Nova::Server')",
        ),
    }],
};
