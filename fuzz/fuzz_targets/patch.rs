//! A JSON patch of any content must be applied or refused, in both dialects, and what clients may not change stays.

#![no_main]

use glance_domain::location::{NewLocation, position_to_add, position_to_remove};
use glance_domain::patch::{Dialect, Operation, apply, parse};
use glance_domain::schema::ImageSchema;
use glance_domain::{Image, ImageId, Timestamp};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|body: &[u8]| {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return };
    let schema = ImageSchema::new(&["bare".into()], &["raw".into()], None).unwrap();
    let mut original =
        Image::new(ImageId::parse("one").unwrap(), None, Timestamp::parse_iso("2026-01-01T00:00:00Z").unwrap());
    original.properties.insert("colour".into(), Some("red".into()));
    for (dialect, _) in Dialect::MEDIA_TYPES {
        let Ok(changes) = parse(dialect, &body, &schema) else { continue };
        let mut image = original.clone();
        for change in changes {
            assert_eq!(
                change.index.is_some(),
                change.name == "locations" && !matches!(change.operation, Operation::Replace(_))
            );
            if change.name == "locations" {
                look_at_locations(change.operation.value(), change.index.as_deref());
            } else if apply(&mut image, &change).is_err() {
                break;
            }
        }
        assert_eq!((&image.id, image.created_at, image.status), (&original.id, original.created_at, original.status));
        assert!(image.properties.keys().all(|name| name.chars().count() <= 255));
    }
    let _ = schema.check(&body);
});

fn look_at_locations(value: Option<&Value>, index: Option<&str>) {
    for item in value.into_iter().flat_map(|value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])) {
        let _ = NewLocation::parse(&item);
    }
    if let Some(index) = index {
        assert!(position_to_add(index, 3).is_none_or(|position| position <= 3));
        assert!(position_to_remove(index, 3).is_none_or(|position| position < 3));
    }
}
