//! `resource`: who is sending.

use opentelemetry::{Array, StringValue, Value};

use crate::config::detectors;
use crate::config::file::components::{ComponentNode, Kind};
use crate::config::file::position::{Place, Spanned};
use crate::config::file::read::{Cursor, text};
use crate::config::file::scalar::Resolved;
use crate::config::file::schema::patterns::Patterns;
use crate::features;
use crate::variables::pairs;

/// `resource`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resource {
    pub(crate) place: Place,
    /// They win over `attributes_list`, and both over what detectors find.
    pub(crate) attributes: Vec<Attribute>,
    /// As `OTEL_RESOURCE_ATTRIBUTES`.
    pub(crate) attributes_list: Vec<(String, String)>,
    pub(crate) schema_url: Option<Spanned<String>>,
    pub(crate) detection: Option<Detection>,
}

/// An attribute of the resource.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attribute {
    pub(crate) name: Spanned<String>,
    pub(crate) value: Value,
}

/// `resource.detection/development`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Detection {
    pub(crate) place: Place,
    /// Which of the detected attributes are kept.
    pub(crate) attributes: Patterns,
    pub(crate) detectors: Vec<Spanned<Detector>>,
}

/// Who finds facts about the process. Each runs only if it is named.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Detector {
    Container,
    /// The host, and its operating system.
    Host,
    Process,
    /// `service.name` from `OTEL_SERVICE_NAME`, and a random `service.instance.id`.
    Service,
    /// `aws`, `azure`, `gcp`, `kubernetes` and those of metadata servers, which the schema does not have.
    Platform(detectors::Detector),
    Custom(ComponentNode),
}

impl Resource {
    pub(super) fn read(cursor: Cursor<'_>) -> Option<Self> {
        let fields = cursor.fields(&[
            "attributes",
            "attributes_list",
            "detection/development",
            "schema_url",
        ])?;
        let attributes =
            fields.optional("attributes", |cursor| cursor.items(1, attribute)).unwrap_or_default();
        Some(Self {
            place: cursor.place(),
            attributes: attributes.into_iter().flatten().collect(),
            attributes_list: fields.setting("attributes_list", attributes_list).unwrap_or_default(),
            schema_url: fields.setting("schema_url", text),
            detection: fields.optional("detection/development", detection),
        })
    }
}

/// `Some(None)` for an attribute whose value is null, which is ignored.
fn attribute(cursor: Cursor<'_>) -> Option<Option<Attribute>> {
    const TYPES: [(&str, Type); 8] = [
        ("string", Type { item: Item::Text, is_array: false }),
        ("bool", Type { item: Item::Boolean, is_array: false }),
        ("int", Type { item: Item::Whole, is_array: false }),
        ("double", Type { item: Item::Number, is_array: false }),
        ("string_array", Type { item: Item::Text, is_array: true }),
        ("bool_array", Type { item: Item::Boolean, is_array: true }),
        ("int_array", Type { item: Item::Whole, is_array: true }),
        ("double_array", Type { item: Item::Number, is_array: true }),
    ];
    let fields = cursor.fields(&["name", "value", "type"])?;
    let name = fields.required("name", text);
    let given = fields.setting("type", |cursor| cursor.choice(&TYPES));
    let value = fields.required("value", |cursor| {
        if cursor.is_null() {
            return Some(None);
        }
        match given {
            Some(given) => typed(cursor, *given).map(Some),
            None => untyped(cursor).map(Some),
        }
    });
    let (name, value) = (name?, value?);
    Some(value.map(|value| Attribute { name, value }))
}

#[derive(Clone, Copy, Debug)]
struct Type {
    item: Item,
    is_array: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Item {
    Text,
    Boolean,
    Whole,
    Number,
}

fn typed(cursor: Cursor<'_>, given: Type) -> Option<Value> {
    if given.is_array {
        return array(cursor, given.item);
    }
    match given.item {
        Item::Text => cursor.text().map(|text| Value::String(text.value.into())),
        Item::Boolean => cursor.boolean().map(|value| Value::Bool(*value)),
        Item::Whole => cursor.whole(i64::MIN..=i64::MAX).map(|value| Value::I64(*value)),
        Item::Number => number(cursor).map(Value::F64),
    }
}

fn array(cursor: Cursor<'_>, item: Item) -> Option<Value> {
    let values = match item {
        Item::Text => {
            let text = |cursor: Cursor<'_>| cursor.text().map(|text| StringValue::from(text.value));
            Array::String(cursor.items(1, text)?)
        }
        Item::Boolean => {
            Array::Bool(cursor.items(1, |cursor| cursor.boolean().map(|value| *value))?)
        }
        Item::Whole => {
            let whole = |cursor: Cursor<'_>| cursor.whole(i64::MIN..=i64::MAX);
            Array::I64(cursor.items(1, |cursor| whole(cursor).map(|value| *value))?)
        }
        Item::Number => Array::F64(cursor.items(1, number)?),
    };
    Some(Value::Array(values))
}

/// Without a type a value is text as it is written, and a list has the type of its items.
fn untyped(cursor: Cursor<'_>) -> Option<Value> {
    if cursor.is_sequence() {
        return array(cursor, item_type(cursor));
    }
    match cursor.scalar() {
        Some(scalar) => Some(Value::String(scalar.text.clone().into())),
        None => {
            cursor.unexpected("text, a number, true, false or a list of one of them");
            None
        }
    }
}

/// The type of the first item; of numbers, whole ones only if all are.
fn item_type(cursor: Cursor<'_>) -> Item {
    let mut found = None;
    // Problems of the items are reported when they are read with this type.
    cursor.items(0, |cursor| {
        let item = match cursor.resolved()? {
            Resolved::Boolean(_) => Item::Boolean,
            Resolved::Whole(_) => Item::Whole,
            Resolved::Number(_) => Item::Number,
            Resolved::Null | Resolved::Text => Item::Text,
        };
        match found {
            None => found = Some(item),
            Some(Item::Whole) if item == Item::Number => found = Some(Item::Number),
            Some(_) => {}
        }
        Some(())
    });
    found.unwrap_or(Item::Text)
}

/// Infinities and NaN are values of an attribute like others.
fn number(cursor: Cursor<'_>) -> Option<f64> {
    match cursor.resolved() {
        Some(Resolved::Number(value)) => Some(value),
        _ => cursor.finite().map(|value| *value),
    }
}

/// Values are not shown: they come from variables that hold what is not known here.
fn attributes_list(cursor: Cursor<'_>) -> Option<Vec<(String, String)>> {
    let text = cursor.text()?;
    let read = pairs::read(&text);
    if read.is_none() {
        cursor.secret().unexpected("key=value pairs with commas between, in percent-encoded UTF-8");
    }
    read
}

fn detection(cursor: Cursor<'_>) -> Option<Detection> {
    let fields = cursor.fields(&["attributes", "detectors"])?;
    Some(Detection {
        place: cursor.place(),
        attributes: fields.optional("attributes", Patterns::read).unwrap_or_default(),
        detectors: fields
            .optional("detectors", |cursor| cursor.items(1, detector))
            .unwrap_or_default(),
    })
}

fn detector(cursor: Cursor<'_>) -> Option<Spanned<Detector>> {
    const KNOWN: [&str; 11] = [
        "aws",
        "aws_metadata",
        "azure",
        "azure_metadata",
        "container",
        "gcp",
        "gcp_metadata",
        "host",
        "kubernetes",
        "process",
        "service",
    ];
    cursor.variant(&KNOWN, |name, cursor| {
        let asks = KNOWN.contains(&name) && name.ends_with("_metadata");
        if asks && !cursor.needs(features::CLOUD_METADATA, "cloud-metadata") {
            return None;
        }
        let detector = match name {
            "aws" => Detector::Platform(detectors::Detector::Aws),
            "aws_metadata" => Detector::Platform(detectors::Detector::AwsMetadata),
            "azure" => Detector::Platform(detectors::Detector::Azure),
            "azure_metadata" => Detector::Platform(detectors::Detector::AzureMetadata),
            "container" => Detector::Container,
            "gcp" => Detector::Platform(detectors::Detector::GoogleCloud),
            "gcp_metadata" => Detector::Platform(detectors::Detector::GoogleCloudMetadata),
            "kubernetes" => Detector::Platform(detectors::Detector::Kubernetes),
            "host" => Detector::Host,
            "process" => Detector::Process,
            "service" => Detector::Service,
            name => {
                let component = cursor.component(Kind::ResourceDetector, name, &KNOWN)?;
                return Some(cursor.spanned(Detector::Custom(component)));
            }
        };
        cursor.no_fields()?;
        Some(cursor.spanned(detector))
    })
}
