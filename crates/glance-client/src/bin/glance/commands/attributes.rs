//! The attributes of an image as options, and the forms that their values have.

use clap::Args;
use glance_client::{Json, Object};

use crate::failure::Failure;

/// Attributes that can be set when an image is created and later.
#[derive(Debug, Args)]
pub(crate) struct Attributes {
    /// Name, which need not be unique
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Format of the disk: raw, qcow2, vmdk, …
    #[arg(long, value_name = "DISK_FORMAT")]
    disk_format: Option<String>,
    /// Format of what is around the disk: bare, ova, …
    #[arg(long, value_name = "CONTAINER_FORMAT")]
    container_format: Option<String>,
    /// Who sees the image: public, private, shared or community
    #[arg(long, value_name = "VISIBILITY")]
    visibility: Option<String>,
    /// Project the image belongs to
    #[arg(long, value_name = "OWNER")]
    owner: Option<String>,
    /// Disk space in GB that is required to boot the image
    #[arg(long, value_name = "MIN_DISK")]
    min_disk: Option<u64>,
    /// Memory in MB that is required to boot the image
    #[arg(long, value_name = "MIN_RAM")]
    min_ram: Option<u64>,
    /// Whether the image cannot be deleted
    #[arg(long, value_name = "True|False", value_parser = boolean)]
    protected: Option<bool>,
    /// Whether lists leave the image out by default
    #[arg(long, value_name = "True|False", value_parser = boolean)]
    hidden: Option<bool>,
    /// Architecture of the operating system
    #[arg(long, value_name = "ARCHITECTURE")]
    architecture: Option<String>,
    /// Instance that the image is a snapshot of
    #[arg(long, value_name = "INSTANCE_UUID")]
    instance_uuid: Option<String>,
    /// ID of the image with the kernel of an AMI
    #[arg(long, value_name = "KERNEL_ID")]
    kernel_id: Option<String>,
    /// Name of the operating system distribution
    #[arg(long, value_name = "OS_DISTRO")]
    os_distro: Option<String>,
    /// Version of the operating system
    #[arg(long, value_name = "OS_VERSION")]
    os_version: Option<String>,
    /// ID of the image with the ramdisk of an AMI
    #[arg(long, value_name = "RAMDISK_ID")]
    ramdisk_id: Option<String>,
    /// Any other property; may be repeated
    #[arg(long = "property", value_name = "KEY=VALUE")]
    properties: Vec<String>,
}

impl Attributes {
    /// The attributes that are given, by their names in the API; a property wins over an option of the same name.
    pub(crate) fn into_object(self) -> Result<Object, Failure> {
        let mut object = Object::new();
        let texts = [
            ("name", self.name),
            ("disk_format", self.disk_format),
            ("container_format", self.container_format),
            ("visibility", self.visibility),
            ("owner", self.owner),
            ("architecture", self.architecture),
            ("instance_uuid", self.instance_uuid),
            ("kernel_id", self.kernel_id),
            ("os_distro", self.os_distro),
            ("os_version", self.os_version),
            ("ramdisk_id", self.ramdisk_id),
        ];
        let given = |(name, value): (&'static str, Option<String>)| Some((name, Json::from(value?)));
        let numbers = [("min_disk", self.min_disk), ("min_ram", self.min_ram)];
        let flags = [("protected", self.protected), ("os_hidden", self.hidden)];
        let others = numbers
            .into_iter()
            .filter_map(|(name, value)| Some((name, Json::from(value?))))
            .chain(flags.into_iter().filter_map(|(name, value)| Some((name, Json::from(value?)))));
        for (name, value) in texts.into_iter().filter_map(given).chain(others) {
            object.insert(name, value);
        }
        for property in &self.properties {
            let (name, value) = key_value(property, "--property")?;
            object.insert(name, value);
        }
        Ok(object)
    }
}

/// The two sides of `KEY=VALUE`, given to `option`.
pub(crate) fn key_value<'a>(pair: &'a str, option: &str) -> Result<(&'a str, &'a str), Failure> {
    pair.split_once('=')
        .ok_or_else(|| Failure::message(format!("Argument {option} expected properties in the format KEY=VALUE")))
}

/// One of the many words for true and false.
pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "t" | "true" | "on" | "y" | "yes" | "1" => Ok(true),
        "f" | "false" | "off" | "n" | "no" | "0" => Ok(false),
        _ => Err("expected True or False".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truth_has_many_words() {
        assert_eq!((boolean("True"), boolean(" OFF ")), (Ok(true), Ok(false)));
        assert!(boolean("maybe").is_err());
    }
}
