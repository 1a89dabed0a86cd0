//! The subaccount steps of the group scenarios: tokens, auth data, and signatures of members.

use data_encoding::HEXLOWER;
use holdfast_protocol::keys::{Ed25519KeyPair, Ed25519PublicKey};
use holdfast_protocol::swarm::subaccount::{SubaccountFlags, issue, token};
use holdfast_protocol::swarm::{Address, SubaccountSigner};
use serde_json::Value;
use std::path::Path;

fn hex(value: &Value) -> Vec<u8> {
    HEXLOWER.decode(value.as_str().unwrap().as_bytes()).unwrap()
}

fn pair(seed: &Value) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed(&hex(seed).try_into().unwrap())
}

fn flags(step: &Value) -> SubaccountFlags {
    let flag = |name: &str, flag| {
        if step[name] == true {
            flag
        } else {
            SubaccountFlags::default()
        }
    };
    SubaccountFlags::READ
        .with(flag("write", SubaccountFlags::WRITE))
        .with(flag("del", SubaccountFlags::DELETE))
}

/// The scenario, and each of its steps that `wanted` names.
fn steps(wanted: &str) -> (Value, Vec<Value>) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/group_keys.json");
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let case = cases
        .into_iter()
        .find(|case| case["name"] == "swarm_subaccounts")
        .unwrap();
    let steps = case["steps"].as_array().unwrap().iter();
    let steps: Vec<Value> = steps.filter(|step| step["do"] == wanted).cloned().collect();
    assert!(!steps.is_empty());
    (case, steps)
}

#[test]
fn tokens_are_the_known_ones() {
    let (case, steps) = steps("subaccount_token");
    for step in steps {
        let member = Address::parse(step["session_id"].as_str().unwrap()).unwrap();
        let token = token(&pair(&case["group_seed"]), &member, flags(&step)).unwrap();
        assert_eq!(token.as_bytes().as_slice(), hex(&step["expect"]["token"]));
    }
}

#[test]
fn auth_data_is_the_known_one() {
    let (case, steps) = steps("subaccount_make");
    for step in steps {
        let member = Address::parse(step["session_id"].as_str().unwrap()).unwrap();
        let data = issue(&pair(&case["group_seed"]), &member, flags(&step)).unwrap();
        assert_eq!(data.as_slice(), hex(&step["expect"]["signing_value"]));
    }
}

#[test]
fn auth_data_fits_its_member_and_its_permissions_only() {
    let (case, steps) = steps("subaccount_verify");
    let group = pair(&case["group_seed"]).public();
    for step in steps {
        let member = pair(&case["users"][step["device"].as_str().unwrap()]["seed"]);
        let signer = SubaccountSigner::new(&group, &hex(&step["signing_value"]), &member);
        let fits = signer.is_ok_and(|signer| signer.auth().token.flags().contains(flags(&step)));
        assert_eq!(fits, step["expect"]["ok"] == true, "{step}");
    }
}

#[test]
fn members_sign_as_known() {
    let (case, steps) = steps("subaccount_sign");
    let group = pair(&case["group_seed"]).public();
    for step in steps {
        let member = pair(&case["users"][step["device"].as_str().unwrap()]["seed"]);
        let signer = SubaccountSigner::new(&group, &hex(&step["signing_value"]), &member).unwrap();
        let message = hex(&step["msg"]);
        let signature = signer.sign(&message);
        assert_eq!(signature.as_bytes().as_slice(), hex(&step["expect"]["signature"]));
        assert_eq!(
            signer.auth().token.as_bytes().as_slice(),
            hex(&step["expect"]["subaccount"])
        );
        assert_eq!(
            signer.auth().signature.as_bytes().as_slice(),
            hex(&step["expect"]["subaccount_sig"])
        );
        let key: Ed25519PublicKey = signer.auth().token.key();
        assert!(key.verify(&message, &signature).is_ok());
    }
}
