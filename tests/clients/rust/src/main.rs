//! Runs Voice ID calls, one a line of standard input as JSON, and prints what became of each as one line of JSON.
//! Endpoint, region and keys come from the environment.

use aws_sdk_voiceid::config::retry::RetryConfig;
use aws_sdk_voiceid::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_voiceid::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_voiceid::types::{Domain, DomainSummary, ServerSideEncryptionConfiguration, Speaker, SpeakerSummary, Tag};
use aws_sdk_voiceid::{Client, Config, Error};
use serde_json::{json, Value};
use std::io::{stdin, BufRead};

type Outcome = Result<Value, Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let client = Client::from_conf(
        Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(variable("AWS_ENDPOINT_URL_VOICE_ID"))
            .region(Region::new(variable("AWS_REGION")))
            .credentials_provider(Credentials::new(
                variable("AWS_ACCESS_KEY_ID"),
                variable("AWS_SECRET_ACCESS_KEY"),
                None,
                None,
                "environment",
            ))
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build(),
    );
    for line in stdin().lock().lines() {
        let wanted: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        let answer = match call(&client, wanted["operation"].as_str().expect("an operation"), &wanted["input"]).await {
            Ok(output) => json!({ "output": output }),
            Err(error) => failure(&error),
        };
        println!("{answer}");
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

fn failure(error: &Error) -> Value {
    let (typed, conflict, resource) = match error {
        Error::AccessDeniedException(_) => ("AccessDeniedException", None, None),
        Error::ConflictException(e) => ("ConflictException", e.conflict_type().map(|t| t.as_str()), None),
        Error::InternalServerException(_) => ("InternalServerException", None, None),
        Error::ResourceNotFoundException(e) => {
            ("ResourceNotFoundException", None, e.resource_type().map(|t| t.as_str()))
        }
        Error::ServiceQuotaExceededException(_) => ("ServiceQuotaExceededException", None, None),
        Error::ThrottlingException(_) => ("ThrottlingException", None, None),
        Error::ValidationException(_) => ("ValidationException", None, None),
        _ => ("", None, None),
    };
    json!({
        "error": error.code(),
        "typed": error.code() == Some(typed),
        "message": error.message(),
        "conflict": conflict,
        "resource": resource,
    })
}

fn text(input: &Value, name: &str) -> Option<String> {
    input[name].as_str().map(str::to_owned)
}

fn size(input: &Value) -> Option<i32> {
    input["MaxResults"].as_i64().map(|n| n as i32)
}

fn tags(input: &Value) -> Option<Vec<Tag>> {
    let one = |t: &Value| Tag::builder().set_key(text(t, "Key")).set_value(text(t, "Value")).build();
    Some(input["Tags"].as_array()?.iter().map(|t| one(t).expect("a tag")).collect())
}

fn key(input: &Value) -> Option<ServerSideEncryptionConfiguration> {
    let given = &input["ServerSideEncryptionConfiguration"];
    ServerSideEncryptionConfiguration::builder().set_kms_key_id(text(given, "KmsKeyId")).build().ok()
}

async fn call(client: &Client, operation: &str, input: &Value) -> Outcome {
    let domain_id = text(input, "DomainId");
    let speaker_id = text(input, "SpeakerId");
    let token = text(input, "NextToken");
    match operation {
        "CreateDomain" => {
            let made = client
                .create_domain()
                .set_name(text(input, "Name"))
                .set_description(text(input, "Description"))
                .set_server_side_encryption_configuration(key(input))
                .set_tags(tags(input))
                .set_client_token(text(input, "ClientToken"))
                .send()
                .await?;
            Ok(json!({ "Domain": made.domain().map(domain) }))
        }
        "DescribeDomain" => {
            let found = client.describe_domain().set_domain_id(domain_id).send().await?;
            Ok(json!({ "Domain": found.domain().map(domain) }))
        }
        "ListDomains" => {
            let page = client.list_domains().set_max_results(size(input)).set_next_token(token).send().await?;
            let found: Vec<Value> = page.domain_summaries().iter().map(domain_summary).collect();
            Ok(json!({ "DomainSummaries": found, "NextToken": page.next_token() }))
        }
        "UpdateDomain" => {
            let made = client
                .update_domain()
                .set_domain_id(domain_id)
                .set_name(text(input, "Name"))
                .set_description(text(input, "Description"))
                .set_server_side_encryption_configuration(key(input))
                .send()
                .await?;
            Ok(json!({ "Domain": made.domain().map(domain) }))
        }
        "DeleteDomain" => empty(client.delete_domain().set_domain_id(domain_id).send().await),
        "TagResource" => {
            let arn = text(input, "ResourceArn");
            empty(client.tag_resource().set_resource_arn(arn).set_tags(tags(input)).send().await)
        }
        "UntagResource" => {
            let keys = input["TagKeys"].as_array().expect("keys").iter();
            let keys = keys.map(|k| k.as_str().expect("a key").to_owned()).collect();
            let arn = text(input, "ResourceArn");
            empty(client.untag_resource().set_resource_arn(arn).set_tag_keys(Some(keys)).send().await)
        }
        "ListTagsForResource" => {
            let found = client.list_tags_for_resource().set_resource_arn(text(input, "ResourceArn")).send().await?;
            let tags: Vec<Value> =
                found.tags().iter().map(|t| json!({ "Key": t.key(), "Value": t.value() })).collect();
            Ok(json!({ "Tags": tags }))
        }
        "OptOutSpeaker" => {
            let request = client.opt_out_speaker().set_domain_id(domain_id).set_speaker_id(speaker_id);
            Ok(json!({ "Speaker": request.send().await?.speaker().map(speaker) }))
        }
        "DescribeSpeaker" => {
            let request = client.describe_speaker().set_domain_id(domain_id).set_speaker_id(speaker_id);
            Ok(json!({ "Speaker": request.send().await?.speaker().map(speaker) }))
        }
        "ListSpeakers" => {
            let request = client.list_speakers().set_domain_id(domain_id).set_max_results(size(input));
            let page = request.set_next_token(token).send().await?;
            let found: Vec<Value> = page.speaker_summaries().iter().map(speaker_summary).collect();
            Ok(json!({ "SpeakerSummaries": found, "NextToken": page.next_token() }))
        }
        "DeleteSpeaker" => {
            empty(client.delete_speaker().set_domain_id(domain_id).set_speaker_id(speaker_id).send().await)
        }
        "DeleteFraudster" => {
            let id = text(input, "FraudsterId");
            empty(client.delete_fraudster().set_domain_id(domain_id).set_fraudster_id(id).send().await)
        }
        "CreateWatchlist" => {
            empty(client.create_watchlist().set_domain_id(domain_id).set_name(text(input, "Name")).send().await)
        }
        _ => panic!("{operation} is none of the scenarios this program takes part in"),
    }
}

fn empty<T, E>(answer: Result<T, SdkError<E>>) -> Outcome
where
    Error: From<SdkError<E>>,
{
    answer?;
    Ok(json!({}))
}

fn domain(d: &Domain) -> Value {
    json!({
        "DomainId": d.domain_id(), "Arn": d.arn(), "Name": d.name(), "Description": d.description(),
        "DomainStatus": d.domain_status().map(|s| s.as_str()), "CreatedAt": d.created_at().map(|t| t.to_string()),
    })
}

fn domain_summary(d: &DomainSummary) -> Value {
    json!({ "DomainId": d.domain_id(), "Name": d.name() })
}

fn speaker(s: &Speaker) -> Value {
    json!({
        "DomainId": s.domain_id(), "CustomerSpeakerId": s.customer_speaker_id(),
        "GeneratedSpeakerId": s.generated_speaker_id(), "Status": s.status().map(|s| s.as_str()),
        "UpdatedAt": s.updated_at().map(|t| t.to_string()),
    })
}

fn speaker_summary(s: &SpeakerSummary) -> Value {
    json!({ "CustomerSpeakerId": s.customer_speaker_id(), "Status": s.status().map(|s| s.as_str()) })
}
