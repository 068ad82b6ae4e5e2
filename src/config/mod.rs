//! Settings: from the user's file, the workspace's file and the editor to one resolved value. Pure: files are read
//! elsewhere.
//!
//! The machine's file sets, and the user's where the machine's does not; the workspace's file and the editor (whose
//! settings may come from the workspace) only narrow.
//!
//! ```toml
//! max_mode = "workspace-write"   # the highest mode this workspace may be switched to
//! [index]
//! max_file_bytes = 1048576       # larger files are not indexed
//! shared = "s3://bucket/prefix"  # where an index is shared, or file:///folder; of the machine's and the user's files only
//! shared_endpoint = "https://objects.example"  # an object store other than Amazon's; of these files only
//! shared_region = "eu-central-1" # of these files only
//! shared_name = "team/app"       # what the workspace is called there; unset: what its repository is called
//! [run]
//! timeout_seconds = 600          # longest a command may run
//! cpu_seconds = 3600             # longest all its processes together may keep processors busy
//! memory_bytes = 3221225472      # most memory of all its processes together; unset: an eighth of the machine's,
//!                                # but from 2 to 8 GiB
//! processes = 1024               # most processes and threads at a time
//! file_bytes = 4294967296        # largest file
//! disk_bytes = 21474836480       # most it may write to the workspace, which in memory is memory_bytes at most
//! disk_files = 400000            # most files, folders and links it may write to the workspace
//! output_limit_bytes = 8388608   # most output that is shown: the first half and the last
//! sandbox = "copy"               # the weakest sandbox accepted: full, bubblewrap or copy
//! allow_hosts = ["crates.io", "*.npmjs.org", "host.example:8443"]  # reached without a question when a command asks
//! private_hosts = ["registry.corp"]                                # hosts that may be at private addresses
//! hidden = ["private/", "*.dump"]  # files that commands do not see, besides those that are known to be secrets
//! shown = ["tests/keys/"]          # files that they see although they look like secrets; of the user's file only
//!
//! [checks]                       # what is run over a changeset before it is accepted, in place of what is found
//! unit = ["make", "unit"]        # a name of your own, and a command for the sandbox
//! timeout_seconds = 600          # longest time that each may run
//!
//! [symbols]                      # definitions, references, callers and outlines; every file may set it, the last one holds
//! answers = "auto"               # auto: except for languages_with_server; or on, or off
//! languages_with_server = ["rust"]  # languages with a server of their own, which knows better
//!
//! [embedding]                    # an endpoint that code is sent to, and that the search then asks too; of the machine's
//!                                # and the user's files only, the others may say kind = "off"
//! kind = "openai"                # openai: POST url/embeddings; ollama: POST url/api/embed; off
//! url = "https://api.example/v1"
//! model = "name-of-a-model"
//! key_variable = "EXAMPLE_KEY"   # the environment variable that holds the key, where it wants one
//! dimensions = 512               # numbers of a vector, where it gives several
//! query_milliseconds = 300       # how long a question waits for its vector before it is answered without
//! encryption = "required"        # optional: http also to other machines
//!
//! [history]                      # of the machine's and the user's files only
//! keep_days = 30                 # proposals, and what was applied of them, to which nothing happened for longer go
//! keep_bytes = 1073741824        # of each workspace; the oldest go first. What was applied within a day stays, and so
//!                                # do the ten newest proposals that wait
//! ```

mod accepted;
mod cases;
mod checks;
mod embedding;
mod history;
mod hosts;
mod known;
mod modes;
mod parse;
mod patterns;
mod rules;
mod settings;
mod shared;
mod symbols;

pub use cases::{Case, cases};
pub use checks::{CheckSetting, CheckSettings};
pub use embedding::{EmbeddingSettings, Encryption, Endpoint, EndpointKind};
pub use history::HistorySettings;
pub use known::{KnownSetting, SETTINGS, SetBy, SettingKind, settings_schema};
pub use rules::{LONGEST_FILE, UNREADABLE, WORKSPACE_SETTINGS, rules};
pub use settings::{ConfigProblem, ConfigSource, RunSettings, Settings, Sources, resolve};
pub use shared::{IndexSettings, SharedName, SharedPlace, SharedPlaceError, SharedSettings};
pub use symbols::{SymbolAnswers, SymbolSettings};
