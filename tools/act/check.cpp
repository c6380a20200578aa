#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "engine/core/utf8.hpp"
#include "tools/act/copy_pairs.hpp"
#include "tools/act/json.hpp"
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
    if (call.given.json) {
        json_line line("summary");
        line.add("verb", "check").add("same", found.same).add("bytes_same", found.bytes_same);
        line.add("differ", found.differ).add("missing", found.missing).add("extra", found.extra);
        line.add("failed", found.failed);
        call.screen.result(line.text());
    } else if (found.equal()) {
        call.screen.result(
            fmt::format("equal: {}, {}", counted(found.same, "item"), human_size(found.bytes_same)));
    } else {
        call.screen.result(
            fmt::format("{} same, {} differ, {} missing at the destination, {} extra there; {} failed",
                        human_count(found.same), human_count(found.differ), human_count(found.missing),
                        human_count(found.extra), human_count(found.failed)));
    }
}

int run(invocation& call) {
    auto cluster = load_cluster(call, call.given.cluster);
    if (!cluster) return give_up(call, cluster.error());
    auto wanted = selection_of(call);
    if (!wanted) return give_up(call, wanted.error());
    session s(call, std::move(*cluster));
    location_opener opener(call, s);
    auto trees = two_trees(call, opener);
    if (!trees) return give_up(call, trees.error());
    report r(call, "compared", "item");
    differences said(call, r);
    ops::check_options how{.wanted = std::move(*wanted), .compare_content = call.given.hash};
    auto context = s.context(said);
    auto found = s.runtime().run(
        ops::check(context, std::move(trees->source), std::move(trees->destination), std::move(how)));
    if (!found) return give_up(call, found.error());
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
};

}  // namespace

constinit const verb check_verb{
    .name = "check",
    .usage = "SOURCE DESTINATION",
    .sentence = "Compare two trees and change nothing.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
    .note =
        "Prints a line for each item that differs, is missing at the destination, or is extra there. Size "
        "and\n"
        "time decide as they do for transfers; --hash compares contents, by the hashes that act leaves in a\n"
        "store and by the MD5s of other tools. Ends with 0 when the trees are equal, else with 1.\n"
        "Trees that were stored with --preserve-symlinks are compared with it, too.\n"
        "The ends are written as for `act cp`; a folder is compared with just the folder named.",
};

}  // namespace act::cli
