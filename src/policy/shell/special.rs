//! Programs whose words need a look of their own.

use super::effects::effect;
use super::options::{Order, Spec, read};
use super::word::{Value, Word, is_name};
use super::{Effect, EffectKind};

/// `tar`: listing an archive, and nothing else. A decompressor of a fixed name may run; one that is named may not.
pub(super) fn tar(rest: &[Word]) -> Vec<Effect> {
    const SPEC: Spec = Spec {
        short: "tf:vzjJZ",
        long: "list file= verbose gzip gunzip bzip2 xz lzip zstd full-time numeric-owner totals version help",
    };
    let mut words = rest.to_vec();
    // The old style: the first word is letters without a dash.
    if let Some(first) = words.first_mut().filter(|word| !word.text.starts_with('-')) {
        if !first.text.chars().all(|letter| "tvzjJf".contains(letter)) || first.text.matches('f').count() > 1 {
            return vec![effect(EffectKind::WritesFile, &first.text)];
        }
        // There the values are words after the letters; none is attached.
        let letters: String = first.text.chars().filter(|letter| *letter != 'f').collect();
        let named = if first.text.contains('f') { "f" } else { "" };
        first.text = format!("-{letters}{named}");
    }
    let parsed = read(&SPEC, Order::Anywhere, &words);
    let mut effects: Vec<Effect> = parsed.unknown.iter().map(|unknown| effect(EffectKind::Unknown, unknown)).collect();
    if !parsed.has(&["-t", "--list", "--version", "--help"]) {
        effects.push(effect(EffectKind::WritesFile, "tar"));
    }
    let archives = parsed.options.iter().filter_map(|option| option.value.as_ref());
    // `host:file` is fetched by another program.
    let remote = archives.filter(|word| word.text.contains(':'));
    effects.extend(remote.map(|word| effect(EffectKind::Network, &word.text)));
    effects
}

/// `date`: `-s` and an operand without `+` set the clock.
pub(super) fn date(rest: &[Word]) -> Vec<Effect> {
    const SPEC: Spec = Spec {
        short: "d:f:I::Rr:s:u",
        long: "date= debug file= iso-8601=? resolution rfc-email rfc-3339= rfc-822 rfc-2822 reference= set= universal utc \
               uct help version",
    };
    let parsed = read(&SPEC, Order::Anywhere, rest);
    let mut effects: Vec<Effect> = parsed.unknown.iter().map(|unknown| effect(EffectKind::Unknown, unknown)).collect();
    if parsed.has(&["-s", "--set"]) {
        effects.push(effect(EffectKind::SetsClock, "--set"));
    }
    let operands = parsed.operands.iter().filter_map(|at| rest.get(*at));
    let sets = operands.filter(|word| !word.text.starts_with('+'));
    effects.extend(sets.map(|word| effect(EffectKind::SetsClock, &word.text)));
    effects
}

/// `test` and `[`: a variable's name with a subscript is computed, and runs what is in it.
pub(super) fn test(rest: &[Word]) -> Vec<Effect> {
    let mut effects = Vec::new();
    for (at, word) in rest.iter().enumerate() {
        let asks = matches!(word.text.as_str(), "-v" | "-R");
        let name = rest.get(at + 1);
        if (asks && name.is_some_and(|name| name.value != Value::Literal || !is_name(&name.text)))
            || word.value == Value::Open
        {
            effects.push(effect(EffectKind::RunsProgram, &word.text));
        }
    }
    effects
}

/// `printf`: `-v NAME` and `%n` set variables, and compute their subscripts.
pub(super) fn printf(rest: &[Word]) -> Vec<Effect> {
    let Some(first) = rest.first() else { return Vec::new() };
    let format = if first.text == "--" { rest.get(1) } else { Some(first) };
    let is_option = first.text.starts_with('-') && first.text.len() > 1 && first.text != "--";
    if is_option || format.is_some_and(|word| word.value != Value::Literal || counts_signs(&word.text)) {
        return vec![effect(EffectKind::ChangesShell, &format!("printf {}", first.text))];
    }
    Vec::new()
}

/// Whether a format has `%n`, with whatever flags, width and modifiers between.
fn counts_signs(format: &str) -> bool {
    let mut parts = format.split('%');
    parts.next();
    let mut after_percent = false;
    parts.any(|part| {
        // `%%` is a percent sign; what follows the second one is text.
        if after_percent {
            after_percent = false;
            return false;
        }
        after_percent = part.is_empty();
        let conversion =
            part.trim_start_matches(|sign: char| sign.is_ascii_digit() || "-+ #0'*.hlLjztqw".contains(sign));
        // An escape may stand for any sign.
        conversion.starts_with(['n', '\\', '('])
    })
}

/// `less`, `more`: showing files. Commands at the start (`+`), logs, key files and prompts of one's own are more.
pub(super) fn less(rest: &[Word]) -> Vec<Effect> {
    const SPEC: Spec = Spec {
        short: "aABcCeEfFgGiIJmMnNqQrRsSuUVwWX",
        long: "search-skip-screen SEARCH-SKIP-SCREEN clear-screen quit-at-eof QUIT-AT-EOF force quit-if-one-screen \
               ignore-case IGNORE-CASE status-column long-prompt LONG-PROMPT line-numbers LINE-NUMBERS quiet silent \
               raw-control-chars RAW-CONTROL-CHARS squeeze-blank-lines chop-long-lines no-init version help",
    };
    let parsed = read(&SPEC, Order::Anywhere, rest);
    let mut effects: Vec<Effect> = parsed.unknown.iter().map(|unknown| effect(EffectKind::Unknown, unknown)).collect();
    let operands = parsed.operands.iter().filter_map(|at| rest.get(*at));
    let commands = operands.filter(|word| word.text.starts_with('+'));
    effects.extend(commands.map(|word| effect(EffectKind::RunsProgram, &word.text)));
    effects
}

/// `man`: pages by their names. A file is formatted as it says, and options name pagers, browsers and configuration.
pub(super) fn man(rest: &[Word]) -> Vec<Effect> {
    const SPEC: Spec = Spec {
        short: "aiIfkwWs:",
        long: "all ignore-case match-case whatis apropos where path location sections= section= help version usage",
    };
    let parsed = read(&SPEC, Order::Anywhere, rest);
    let mut effects: Vec<Effect> = parsed.unknown.iter().map(|unknown| effect(EffectKind::Unknown, unknown)).collect();
    let operands = parsed.operands.iter().filter_map(|at| rest.get(*at));
    let files = operands.filter(|word| word.text.contains('/') || word.value != Value::Literal);
    effects.extend(files.map(|word| effect(EffectKind::ReadsConfiguration, &word.text)));
    effects
}
