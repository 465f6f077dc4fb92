//! Rules about metadata definitions.

use oslo::policy::RuleDefault;

use super::base::{ADMIN, ADMIN_OR_READER, before_roles, delete, get, post, put, rule};

const METADEF_ADMIN: &str = "rule:metadef_admin";
const METADEF_DEFAULT: &str = "rule:metadef_default";
const READ: &str = "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or 'public':%(visibility)s))";

const NAMESPACES: &str = "/v2/metadefs/namespaces";
const NAMESPACE: &str = "/v2/metadefs/namespaces/{namespace_name}";
const OBJECTS: &str = "/v2/metadefs/namespaces/{namespace_name}/objects";
const OBJECT: &str = "/v2/metadefs/namespaces/{namespace_name}/objects/{object_name}";
const ASSOCIATIONS: &str = "/v2/metadefs/namespaces/{namespace_name}/resource_types";
const ASSOCIATION: &str = "/v2/metadefs/namespaces/{namespace_name}/resource_types/{name}";
const PROPERTIES: &str = "/v2/metadefs/namespaces/{namespace_name}/properties";
const PROPERTY: &str = "/v2/metadefs/namespaces/{namespace_name}/properties/{property_name}";
const TAGS: &str = "/v2/metadefs/namespaces/{namespace_name}/tags";
const TAG: &str = "/v2/metadefs/namespaces/{namespace_name}/tags/{tag_name}";

/// The rules.
pub const RULES: &[RuleDefault] = &[
    RuleDefault::new("metadef_default", "", "What everybody may do with metadata definitions."),
    RuleDefault::new("metadef_admin", ADMIN, "Who may change metadata definitions."),
    rule("get_metadef_namespace", READ, "Show a namespace.", &[get(NAMESPACE)]).replaces(before_roles(
        "get_metadef_namespace",
        METADEF_DEFAULT,
        "Xena",
    )),
    rule("get_metadef_namespaces", ADMIN_OR_READER, "List namespaces.", &[get(NAMESPACES)]).replaces(before_roles(
        "get_metadef_namespaces",
        METADEF_DEFAULT,
        "Xena",
    )),
    rule("modify_metadef_namespace", METADEF_ADMIN, "Change a namespace.", &[put(NAMESPACE)]),
    rule("add_metadef_namespace", METADEF_ADMIN, "Create a namespace.", &[post(NAMESPACES)]),
    rule("delete_metadef_namespace", METADEF_ADMIN, "Delete a namespace.", &[delete(NAMESPACE)]),
    rule("get_metadef_object", READ, "Show an object of a namespace.", &[get(OBJECT)]).replaces(before_roles(
        "get_metadef_object",
        METADEF_DEFAULT,
        "Xena",
    )),
    rule("get_metadef_objects", READ, "List the objects of a namespace.", &[get(OBJECTS)]).replaces(before_roles(
        "get_metadef_objects",
        METADEF_DEFAULT,
        "Xena",
    )),
    rule("modify_metadef_object", METADEF_ADMIN, "Change an object of a namespace.", &[put(OBJECT)]),
    rule("add_metadef_object", METADEF_ADMIN, "Create an object in a namespace.", &[post(OBJECTS)]),
    rule("delete_metadef_object", METADEF_ADMIN, "Delete an object of a namespace.", &[delete(OBJECT)]),
    rule("list_metadef_resource_types", READ, "List resource types.", &[get("/v2/metadefs/resource_types")])
        .replaces(before_roles("list_metadef_resource_types", METADEF_DEFAULT, "Xena")),
    rule("get_metadef_resource_type", READ, "List the resource types of a namespace.", &[get(ASSOCIATIONS)])
        .replaces(before_roles("get_metadef_resource_type", METADEF_DEFAULT, "Xena")),
    rule(
        "add_metadef_resource_type_association",
        METADEF_ADMIN,
        "Associate a resource type with a namespace.",
        &[post(ASSOCIATIONS)],
    ),
    rule(
        "remove_metadef_resource_type_association",
        METADEF_ADMIN,
        "End the association of a resource type with a namespace.",
        &[delete(ASSOCIATION)],
    ),
    rule("get_metadef_property", READ, "Show a property of a namespace.", &[get(PROPERTY)]).replaces(before_roles(
        "get_metadef_property",
        METADEF_DEFAULT,
        "Xena",
    )),
    rule("get_metadef_properties", READ, "List the properties of a namespace.", &[get(PROPERTIES)])
        .replaces(before_roles("get_metadef_properties", METADEF_DEFAULT, "Xena")),
    rule("modify_metadef_property", METADEF_ADMIN, "Change a property of a namespace.", &[put(PROPERTY)]),
    rule("add_metadef_property", METADEF_ADMIN, "Create a property in a namespace.", &[post(PROPERTIES)]),
    rule("remove_metadef_property", METADEF_ADMIN, "Delete a property of a namespace.", &[delete(PROPERTY)]),
    rule("get_metadef_tag", READ, "Show a tag of a namespace.", &[get(TAG)]).replaces(before_roles(
        "get_metadef_tag",
        METADEF_DEFAULT,
        "Xena",
    )),
    rule("get_metadef_tags", READ, "List the tags of a namespace.", &[get(TAGS)]).replaces(before_roles(
        "get_metadef_tags",
        METADEF_DEFAULT,
        "Xena",
    )),
    rule("modify_metadef_tag", METADEF_ADMIN, "Change a tag of a namespace.", &[put(TAG)]),
    rule("add_metadef_tag", METADEF_ADMIN, "Create a tag in a namespace.", &[post(TAG)]),
    rule("add_metadef_tags", METADEF_ADMIN, "Create tags in a namespace.", &[post(TAGS)]),
    rule("delete_metadef_tag", METADEF_ADMIN, "Delete a tag of a namespace.", &[delete(TAG)]),
    rule("delete_metadef_tags", METADEF_ADMIN, "Delete the tags of a namespace.", &[delete(TAGS)]),
];
