#include <set>

#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "engine/core/utf8.hpp"
#include "submit/backend/foreground.hpp"
#include "submit/stage/compile.hpp"
#include "submit/stage/pack.hpp"
#include "tools/act/job_tools.hpp"
#include "tools/act/json.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/session.hpp"
#include "tools/act/text.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

// An archive beyond this is mostly not code: say what makes it large.
constexpr std::uint64_t surprising = 50 * MiB;
// What the archives of all projects may take here, those aside that runs need.
constexpr std::uint64_t most_kept = 10 * GiB;

void tell_left_out(invocation& call, const stage::report& packed) {
    for (const auto& left : packed.left_out) {
        if (call.given.json) {
            json_line line("left_out");
            line.add("name", left.name).add("reason", left.reason).add("secret", left.secret);
            call.screen.result(line.text());
        }
        if (left.secret) {
            call.screen.problem(fmt::format("left out {}: {}", left.name, left.reason));
        } else if (call.given.dry_run && !call.given.json) {
            call.screen.result(fmt::format("would leave out {} ({})", printable(left.name), left.reason));
        }
    }
    for (const auto& warning : packed.warnings) call.screen.problem("warning: " + warning);
}

void tell_packed(invocation& call, const stage::report& packed) {
    tell_left_out(call, packed);
    if (call.given.json) {
        json_line line("archive");
        line.add("hash", packed.hash).add("path", packed.archive).add("files", packed.files);
        line.add("links", packed.links).add("bytes", packed.bytes).add("archive_bytes", packed.archive_bytes);
        line.add("reused", packed.reused).add("read", packed.read).add("compressed", packed.compressed);
        call.screen.result(line.text());
        return;
    }
    call.screen.result(fmt::format("{} {}, {}, as {}{}", call.given.dry_run ? "would pack" : "packed",
                                   counted(packed.files + packed.links, "file"), human_size(packed.bytes),
                                   packed.hash.substr(0, 12), packed.reused ? " (unchanged)" : ""));
    if (packed.archive_bytes <= surprising && packed.bytes <= 4 * surprising) return;
    call.screen.problem("that is a lot for code; the largest files:");
    for (const auto& file : packed.largest) {
        call.screen.detail(fmt::format("  {:>10}  {}", human_size(file.bytes), file.name));
    }
    call.screen.detail("  leave data out by mapping its folder, or with zip_options in the cluster file");
}

// The archive to where nodes of other machines find it; what is there is not sent again.
result<summary> send(session& s, report& r, const stage::report& packed, const cluster::mapping& to) {
    ACT_TRY(opened_account * account, s.account_of(to));
    auto context = s.context(r);
    ops::upload_options how{.compare_content = true};
    ops::remote target{*account->client, account->settings.container, stage::blob_name(to.path, packed.hash)};
    return s.runtime().run(ops::upload(context, packed.archive, target, how));
}

// Archives that no run needs any more; that they could not be removed is no failure of this call.
void tidy(invocation& call, const job_state& state) {
    auto needed = [&]() -> result<std::set<std::string>> {
        ACT_TRY(auto all, state.journal.list());
        std::set<std::string> out;
        for (const auto& r : all) {
            if (!runs::is_final(r.state)) out.insert(r.code);
        }
        return out;
    };
    if (auto gone = stage::prune(state.archives, most_kept, needed); !gone)
        call.screen.problem("warning: " + gone.error().describe());
}

result<stage::report> pack(invocation& call, session& s, const std::string& folder, bool compiled) {
    stage::pack_options how = stage::options_for(s.cluster(), call.world.environment);
    how.folder = folder;
    how.dry_run = call.given.dry_run;
    ACT_TRY(stage::report packed, s.runtime().run(stage::pack(s.runtime(), how, s.until())));
    if (!compiled || how.dry_run) return packed;
    stage::compile_options script;
    script.image = backend::image_of(s.cluster());
    script.arguments = s.cluster().compile_args;
    return s.runtime().run(stage::compile(s.runtime(), how, std::move(packed), std::move(script), s.until()));
}

int init(invocation& call, bool compiled) {
    auto cluster = load_cluster(call, call.given.cluster);
    if (!cluster) return give_up(call, cluster.error());
    auto state = open_job_state(call.world);
    if (!state) return give_up(call, state.error());
    session s(call, std::move(*cluster));
    auto packed = pack(call, s, state->archives, compiled);
    if (!packed) return give_up(call, packed.error());
    tell_packed(call, *packed);

    report r(call, "uploaded", "archive");
    if (call.given.dry_run) return r.finish_quietly(nullptr);
    const cluster::mapping* to = cluster::code_path(s.cluster());
    if (s.cluster().platform == "local") {
        // Jobs on this machine take the archive from where it was packed.
        summary kept;
        kept.files = 1;
        kept.bytes = packed->archive_bytes;
        r.add(packed->archive, kept);
    } else if (to) {
        r.add(packed->archive, send(s, r, *packed, *to));
    } else {
        r.fail("code_path",
               error(kind::configuration, s.cluster().file + ": code_path is missing in config_param",
                     "say there where code archives go"));
    }
    // Only what arrived is pinned: `act submit` must find it.
    if (r.total().failed == 0 && !r.stopped()) {
        auto pinned = stage::remember(state->archives, s.cluster(), packed->hash);
        if (!pinned) r.fail(packed->archive, pinned.error());
        tidy(call, *state);
    }
    return r.finish_quietly(s.wire());
}

int run(invocation& call) { return init(call, false); }
int run_compiled(invocation& call) { return init(call, true); }

constexpr std::string_view incremental[] = {"initi"};
constexpr std::string_view incremental_compiled[] = {"initic"};

constexpr example examples[] = {
    {"act init", "pack the project's code; jobs submitted from now on run it"},
    {"act init --dry-run", "show what would be packed and what is left out"},
    {"act -c eu init", "for jobs on cluster eu"},
};
constexpr example compiled_examples[] = {
    {"act -c eu initc", "compile in the image of cluster eu's jobs, then pack"},
    {"act -ca fast initc", "run `compile.aml.sh fast`"},
};

}  // namespace

constinit const verb init_verb{
    .name = "init",
    .usage = "",
    .sentence = "Pack the code of the project for the jobs that are submitted next.",
    .takes = takes::nothing,
    .run = run,
    .examples = examples,
    .aliases = incremental,
    .note =
        "Data folders, account files and other secrets are left out, and what .actignore (gitignore's "
        "rules)\n"
        "or -x in zip_options says; --dry-run shows it all. Only files that changed since the last time are\n"
        "read. The archive is named by its content: jobs already submitted keep the code that they were\n"
        "submitted with. `initi` (incremental) is the same verb.",
};

constinit const verb initc_verb{
    .name = "initc",
    .usage = "",
    .sentence = "Like init, with compile.aml.sh run first, in the docker image of the cluster's jobs.",
    .takes = takes::nothing,
    .run = run_compiled,
    .examples = compiled_examples,
    .aliases = incremental_compiled,
    .note =
        "The script runs in a copy of the code; what it makes is packed too. Without docker use init: nodes\n"
        "run compile.aml.sh before the command. `initic` (incremental) is the same verb.",
};

}  // namespace act::cli
