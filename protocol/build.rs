//! Generates the message types from `proto/`, and beside them the rules of proto2 that the generated decoder does not
//! check: which fields are required and which numbers an enum has.

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorSet};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::path::Path;

/// The sources, in the order in which they are compiled.
const FILES: [&str; 3] = ["session.proto", "groups.proto", "websocket.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let files = protox::compile(FILES, ["proto"])?;
    let rules = Rules::of(&files);
    let out = std::env::var("OUT_DIR")?;
    std::fs::write(Path::new(&out).join("rules.rs"), rules.to_rust()?)?;
    // Messages hold what people wrote and keys; `Debug` output ends up in logs, so it names the type and no more.
    prost_build::Config::new().skip_debug(["."]).compile_fds(files)?;
    Ok(())
}

/// Every message and enum of the schema by full name.
struct Rules {
    messages: Vec<(String, DescriptorProto)>,
    enums: BTreeMap<String, Vec<i32>>,
}

impl Rules {
    fn of(files: &FileDescriptorSet) -> Self {
        let mut rules = Self {
            messages: Vec::new(),
            enums: BTreeMap::new(),
        };
        for file in &files.file {
            let package = format!(".{}", file.package());
            file.message_type
                .iter()
                .for_each(|message| rules.add_message(&package, message));
            file.enum_type
                .iter()
                .for_each(|numbers| rules.add_enum(&package, numbers));
        }
        rules
    }

    fn add_message(&mut self, scope: &str, message: &DescriptorProto) {
        let name = format!("{scope}.{}", message.name());
        message
            .nested_type
            .iter()
            .for_each(|nested| self.add_message(&name, nested));
        message
            .enum_type
            .iter()
            .for_each(|numbers| self.add_enum(&name, numbers));
        self.messages.push((name, message.clone()));
    }

    fn add_enum(&mut self, scope: &str, numbers: &EnumDescriptorProto) {
        let values = numbers.value.iter().map(|value| value.number()).collect();
        self.enums.insert(format!("{scope}.{}", numbers.name()), values);
    }

    /// One table row a message, `impl Debug` for each, and a constant index for the roots that are decoded.
    fn to_rust(&self) -> Result<String, Box<dyn Error>> {
        let index: BTreeMap<&str, usize> = self
            .messages
            .iter()
            .enumerate()
            .map(|(at, (name, _))| (name.as_str(), at))
            .collect();
        let mut table = String::from("pub(super) static RULES: &[MessageRule] = &[\n");
        let mut impls = String::new();
        for (name, message) in &self.messages {
            let mut rows = String::new();
            for field in &message.field {
                let numbers = self.enums.get(field.type_name());
                let inner = index.get(field.type_name());
                let required = field.label() == Label::Required;
                if !required && inner.is_none() {
                    continue;
                }
                let kind = match field.r#type() {
                    Type::Message => format!("FieldKind::Message({})", inner.ok_or("unknown message type")?),
                    Type::Enum => format!("FieldKind::Enum(&{:?})", numbers.ok_or("unknown enum type")?),
                    _ => "FieldKind::Scalar".to_owned(),
                };
                write!(
                    rows,
                    "FieldRule {{ number: {}, required: {required}, repeated: {}, kind: {kind} }}, ",
                    field.number(),
                    field.label() == Label::Repeated,
                )?;
            }
            writeln!(table, "    MessageRule {{ fields: &[{rows}] }}, // {name}")?;
            let path = rust_path(name);
            let shown = message.name();
            writeln!(
                impls,
                "impl core::fmt::Debug for super::schema::{path} {{\n    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {{\n        f.write_str(\"{shown} {{ .. }}\")\n    }}\n}}"
            )?;
            if !name.trim_start_matches(".session.").contains('.') {
                writeln!(
                    impls,
                    "impl Checked for super::schema::{path} {{\n    const RULE: usize = {};\n}}",
                    index.get(name.as_str()).ok_or("unknown message")?
                )?;
            }
        }
        table.push_str("];\n");
        Ok(table + &impls)
    }
}

/// `.session.Quote.QuotedAttachment` → `quote::QuotedAttachment`, as prost names nested types.
fn rust_path(name: &str) -> String {
    let mut parts: Vec<&str> = name.trim_start_matches(".session.").split('.').collect();
    let last = parts.pop().unwrap_or_default();
    let mut path = String::new();
    for part in parts {
        for (at, letter) in part.char_indices() {
            if at > 0 && letter.is_ascii_uppercase() {
                path.push('_');
            }
            path.push(letter.to_ascii_lowercase());
        }
        path.push_str("::");
    }
    path + last
}
