#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "engine/core/utf8.hpp"
#include "tools/act/copy_pairs.hpp"
#include "tools/act/json.hpp"
#include "tools/act/list_file.hpp"
#include "tools/act/progress_bar.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/selecting.hpp"
#include "tools/act/text.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

/// Prints what is not the same as it is found; failures go to the report.
class differences final : public observer {
public:
    differences(invocation& call, report& r) : call_(call), report_(r) {}

    void item(std::string_view action, std::string_view path, std::uint64_t size) override {
        if (call_.given.json) {
            call_.screen.result(
                json_line("difference").add("what", action).add("path", path).add("size", size).text());
        } else {
            call_.screen.result(fmt::format("{:<8} {}", action, path.empty() ? "." : printable(path)));
        }
    }
    void failed(const failure& f) override { report_.failed(f); }

private:
    invocation& call_;
    report& report_;
};

void tell(invocation& call, const ops::check_summary& found) {
    const std::string by_size =
        found.by_size
            ? fmt::format(" ({} by size alone: the manifest has no more of them)", human_count(found.by_size))
            : "";
    if (call.given.json) {
        json_line line("summary");
        line.add("verb", "check").add("same", found.same).add("bytes_same", found.bytes_same);
        line.add("differ", found.differ).add("missing", found.missing).add("extra", found.extra);
        line.add("failed", found.failed);
        if (!call.given.manifest.empty()) line.add("by_size", found.by_size);
        call.screen.result(line.text());
    } else if (found.equal()) {
        call.screen.result(fmt::format("equal: {}, {}{}", counted(found.same, "item"),
                                       human_size(found.bytes_same), by_size));
    } else if (!call.given.manifest.empty()) {
        call.screen.result(fmt::format("{} same{}, {} differ, {} missing, {} extra; {} failed",
                                       human_count(found.same), by_size, human_count(found.differ),
                                       human_count(found.missing), human_count(found.extra),
                                       human_count(found.failed)));
    } else {
        call.screen.result(
            fmt::format("{} same, {} differ, {} missing at the destination, {} extra there; {} failed",
                        human_count(found.same), human_count(found.differ), human_count(found.missing),
                        human_count(found.extra), human_count(found.failed)));
    }
}

/// With --manifest: one end, and what should be there.
result<ops::check_summary> against_manifest(invocation& call, session& s, location_opener& opener,
                                            observer& said) {
    if (call.words.size() != 1) {
        return error(kind::usage, "`act check --manifest FILE` takes one path",
                     "name the folder whose content the manifest tells");
    }
    ACT_TRY(const location at, parse_location(call.world, call.words[0], plain::local));
    ACT_TRY(ops::tree_end end, tree_of(call, opener, at));
    ACT_TRY(auto list, open_list(call, call.given.manifest, s.until()));
    auto context = s.context(said);
    const ops::manifest_options how{.compare_content = call.given.hash, .extra = call.given.extra};
    return s.runtime().run(ops::check_manifest(context, *list, std::move(end), how));
}

result<ops::check_summary> two_ends(invocation& call, session& s, location_opener& opener, observer& said,
                                    plan::selection wanted) {
    ACT_TRY(tree_pair trees, two_trees(call, opener));
    ops::check_options how{.wanted = std::move(wanted), .compare_content = call.given.hash};
    auto context = s.context(said);
    return s.runtime().run(
        ops::check(context, std::move(trees.source), std::move(trees.destination), std::move(how)));
}

int run(invocation& call) {
    const bool by_manifest = !call.given.manifest.empty();
    if (call.given.extra && !by_manifest) {
        return give_up(call, error(kind::usage, "--extra belongs to --manifest, which is not given",
                                   "leave it out: two trees are compared in both directions"));
    }
    auto cluster = load_cluster(call, call.given.cluster);
    if (!cluster) return give_up(call, cluster.error());
    auto wanted = selection_of(call);
    if (!wanted) return give_up(call, wanted.error());
    session s(call, std::move(*cluster));
    location_opener opener(call, s);
    if (by_manifest && !wanted->selects_all()) {
        return give_up(call,
                       error(kind::usage, "--manifest says what is compared, and so do --include and its kin",
                             "leave one of them out"));
    }
    report r(call, "compared", "item");
    differences said(call, r);
    auto found = by_manifest ? against_manifest(call, s, opener, said)
                             : two_ends(call, s, opener, said, std::move(*wanted));
    if (!found) return give_up(call, found.error());
    if (found->stopped) call.screen.problem("interrupted: this is not all");
    r.tell_all();
    tell(call, *found);
    if (found->stopped) return exit_code(kind::stopped);
    return found->equal() ? 0 : 1;
}

constexpr example examples[] = {
    {"act check ./voc eu:data/voc", "is what was uploaded still what is here?"},
    {"act check --hash ./voc eu:data/voc", "by content: reads the local files, fetches no data"},
    {"act check we:data/voc eu:data/voc", "two stores"},
    {"act check --json ./a ./b | grep difference", "for a script; the exit code is 1 when they differ"},
    {"act check --manifest voc.manifest ./voc", "is all there that --manifest-out once told, and the same?"},
    {"act check --manifest voc.manifest --extra eu:data/voc", "of a store: by ETags, from a listing"},
};

}  // namespace

constinit const verb check_verb{
    .name = "check",
    .usage = "SOURCE DESTINATION | --manifest FILE PATH",
    .sentence = "Compare two trees, or one with a manifest, and change nothing.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
    .note =
        "Prints a line for each item that differs, is missing at the destination, or is extra there. Size "
        "and\n"
        "time decide as they do for transfers; --hash compares contents, by the hashes that act leaves in a\n"
        "store and by the MD5s of other tools. Ends with 0 when the trees are equal, else with 1.\n"
        "Trees that were stored with --preserve-symlinks are compared with it, too.\n"
        "The ends are written as for `act cp`; a folder is compared with just the folder named.\n"
        "\n"
        "With --manifest the second end is a file that --manifest-out wrote. Local files are read and "
        "compared "
        "by\n"
        "their hashes; of stored ones the ETags are compared, and with --hash what the store knows of their\n"
        "content, where an ETag differs or is not known. What differs is named: missing, size, etag, "
        "content, "
        "and\n"
        "with --extra extra. `act check --json ... | act cp --from-list - ...` repairs.",
};

}  // namespace act::cli
