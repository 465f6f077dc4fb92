//! The command line: every option and command with its help.

use clap::{Args, Parser, Subcommand};

use crate::commands::{completion, image_list, images, info, members, transfer};

/// The command line of the OpenStack Image Service.
#[derive(Debug, Parser)]
#[command(
    name = "glance",
    version,
    infer_long_args = true,
    after_help = "See 'glance help COMMAND' for help on a specific command."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options before the command.
#[derive(Debug, Args)]
pub(crate) struct GlobalArgs {
    /// Show requests and answers on standard error, tokens masked; defaults to env[GLANCECLIENT_DEBUG]
    #[arg(short, long, global = true)]
    pub(crate) debug: bool,
    /// Print more
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Accepted for compatibility: no schema is cached
    #[arg(long, hide = true)]
    pub(crate) get_schema: bool,
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Address of the image service; defaults to env[OS_IMAGE_URL]
    #[arg(long, alias = "os_image_url", visible_alias = "os-endpoint", value_name = "URL")]
    pub(crate) os_image_url: Option<String>,
    /// Version of the API: 2; defaults to env[OS_IMAGE_API_VERSION]
    #[arg(long, alias = "os_image_api_version", value_name = "VERSION")]
    pub(crate) os_image_api_version: Option<String>,
    /// Name of a cloud in clouds.yaml; defaults to env[OS_CLOUD]
    #[arg(long, value_name = "NAME")]
    pub(crate) os_cloud: Option<String>,
    /// Token to send; defaults to env[OS_AUTH_TOKEN]
    #[arg(long, aliases = ["os_auth_token", "os-token"], value_name = "TOKEN")]
    pub(crate) os_auth_token: Option<String>,
    /// Region to look up in the catalog; defaults to env[OS_REGION_NAME]
    #[arg(long, alias = "os_region_name", value_name = "REGION")]
    pub(crate) os_region_name: Option<String>,
    /// Kind of endpoint to look up in the catalog; defaults to env[OS_ENDPOINT_TYPE]
    #[arg(long, aliases = ["os_endpoint_type", "os-interface"], value_name = "TYPE")]
    pub(crate) os_endpoint_type: Option<String>,
    /// Service to look up in the catalog; defaults to env[OS_SERVICE_TYPE]
    #[arg(long, alias = "os_service_type", value_name = "TYPE")]
    pub(crate) os_service_type: Option<String>,
    /// Accept any TLS certificate
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Authorities to trust in place of the system's; defaults to env[OS_CACERT]
    #[arg(long, value_name = "FILE")]
    pub(crate) os_cacert: Option<String>,
    /// This client's certificate; defaults to env[OS_CERT]
    #[arg(long, value_name = "FILE")]
    pub(crate) os_cert: Option<String>,
    /// Key of the certificate; defaults to env[OS_KEY]
    #[arg(long, value_name = "FILE")]
    pub(crate) os_key: Option<String>,
    /// How long the server may be silent
    #[arg(long, value_name = "SECONDS", default_value_t = 600.0)]
    pub(crate) timeout: f64,
    #[command(flatten)]
    pub(crate) identity: IdentityArgs,
}

/// Credentials for the identity service.
#[derive(Debug, Args)]
#[command(next_help_heading = "Identity")]
pub(crate) struct IdentityArgs {
    /// Authentication method: none, token, password, v3applicationcredential, http_basic; defaults to env[OS_AUTH_TYPE]
    #[arg(long = "os-auth-type", alias = "os-auth-plugin", value_name = "NAME")]
    pub(crate) auth_type: Option<String>,
    /// Address of the identity service; defaults to env[OS_AUTH_URL]
    #[arg(long = "os-auth-url", value_name = "URL")]
    pub(crate) auth_url: Option<String>,
    /// Defaults to env[OS_USERNAME]
    #[arg(long = "os-username", alias = "os-user-name", value_name = "NAME")]
    pub(crate) username: Option<String>,
    /// Defaults to env[OS_USER_ID]
    #[arg(long = "os-user-id", value_name = "ID")]
    pub(crate) user_id: Option<String>,
    /// Defaults to env[OS_USER_DOMAIN_NAME]
    #[arg(long = "os-user-domain-name", value_name = "NAME")]
    pub(crate) user_domain_name: Option<String>,
    /// Defaults to env[OS_USER_DOMAIN_ID]
    #[arg(long = "os-user-domain-id", value_name = "ID")]
    pub(crate) user_domain_id: Option<String>,
    /// Defaults to env[OS_PASSWORD]
    #[arg(long = "os-password", value_name = "PASSWORD")]
    pub(crate) password: Option<String>,
    /// Defaults to env[OS_PROJECT_NAME]
    #[arg(long = "os-project-name", aliases = ["os-tenant-name", "os_tenant_name"], value_name = "NAME")]
    pub(crate) project_name: Option<String>,
    /// Defaults to env[OS_PROJECT_ID]
    #[arg(long = "os-project-id", aliases = ["os-tenant-id", "os_tenant_id"], value_name = "ID")]
    pub(crate) project_id: Option<String>,
    /// Defaults to env[OS_PROJECT_DOMAIN_NAME]
    #[arg(long = "os-project-domain-name", value_name = "NAME")]
    pub(crate) project_domain_name: Option<String>,
    /// Defaults to env[OS_PROJECT_DOMAIN_ID]
    #[arg(long = "os-project-domain-id", value_name = "ID")]
    pub(crate) project_domain_id: Option<String>,
    /// Defaults to env[OS_DOMAIN_NAME]
    #[arg(long = "os-domain-name", value_name = "NAME")]
    pub(crate) domain_name: Option<String>,
    /// Defaults to env[OS_DOMAIN_ID]
    #[arg(long = "os-domain-id", value_name = "ID")]
    pub(crate) domain_id: Option<String>,
    /// Defaults to env[OS_SYSTEM_SCOPE]
    #[arg(long = "os-system-scope", value_name = "SCOPE")]
    pub(crate) system_scope: Option<String>,
    /// Defaults to env[OS_APPLICATION_CREDENTIAL_ID]
    #[arg(long = "os-application-credential-id", value_name = "ID")]
    pub(crate) application_credential_id: Option<String>,
    /// Defaults to env[OS_APPLICATION_CREDENTIAL_NAME]
    #[arg(long = "os-application-credential-name", value_name = "NAME")]
    pub(crate) application_credential_name: Option<String>,
    /// Defaults to env[OS_APPLICATION_CREDENTIAL_SECRET]
    #[arg(long = "os-application-credential-secret", value_name = "SECRET")]
    pub(crate) application_credential_secret: Option<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a new image
    ImageCreate(images::CreateArgs),
    /// Delete specified images
    ImageDelete(images::DeleteArgs),
    /// Make the data of an image unavailable
    ImageDeactivate(images::IdArgs),
    /// Download the data of an image
    ImageDownload(transfer::DownloadArgs),
    /// List images you can access
    ImageList(image_list::ListArgs),
    /// Make the data of a deactivated image available again
    ImageReactivate(images::IdArgs),
    /// Describe a specific image
    ImageShow(images::ShowArgs),
    /// Remove a tag from an image
    ImageTagDelete(images::TagDeleteArgs),
    /// Add a tag to an image
    ImageTagUpdate(images::TagUpdateArgs),
    /// Change attributes and properties of an image
    ImageUpdate(images::UpdateArgs),
    /// Upload data for an image
    ImageUpload(transfer::UploadArgs),
    /// Share an image with a project
    MemberCreate(members::CreateArgs),
    /// Stop sharing an image with a project
    MemberDelete(members::DeleteArgs),
    /// Show details of an image member
    MemberGet(members::GetArgs),
    /// List the projects that an image is shared with
    MemberList(members::ListArgs),
    /// Change what a member says to an image
    MemberUpdate(members::UpdateArgs),
    /// Describe the attributes of a model: image, member, task, …
    Explain(info::ExplainArgs),
    /// Print the import methods of the service
    ImportInfo(info::ImportArgs),
    /// Print the stores of the service
    StoresInfo(info::StoresArgs),
    /// Print quotas and what is used of them
    Usage(info::UsageArgs),
    /// Print a completion script for a shell
    Complete(completion::CompleteArgs),
    /// Print all commands and options, for completion
    #[command(alias = "bash_completion", hide = true)]
    BashCompletion,
}
