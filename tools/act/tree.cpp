#include <limits>

#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "engine/core/utf8.hpp"
#include "tools/act/folder_tally.hpp"
#include "tools/act/json.hpp"
#include "tools/act/listed.hpp"
#include "tools/act/location.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/session.hpp"
#include "tools/act/text.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

/// Prints what is below one path while it is listed. Folders of the last level are not opened: their line
/// comes when all that is in them is counted.
class tree_printer {
public:
    tree_printer(invocation& call, const opened_location& at)
        : call_(call),
          at_(at),
          root_(at.path),
          below_(root_.empty() ? std::string() : root_ + '/'),
          depth_(call.given.depth.value_or(std::numeric_limits<std::size_t>::max())),
          tally_(
              depth_, [this](const auto& f) { enter(f); }, [this](const auto& f) { leave(f); }) {}

    void add(const blob::properties& blob) {
        std::string name = blob.name == root_ ? std::string() : blob.name.substr(below_.size());
        if (blob.is_directory && !name.empty() && !name.ends_with('/')) name += '/';
        if (blob.is_directory && name.empty()) return;
        tally_.add(name, blob.size);
        if (name.ends_with('/')) return;
        const std::size_t slash = name.rfind('/');
        const std::size_t parents = tally_.level();
        if (parents >= depth_) return;
        if (call_.given.json) {
            call_.screen.result(json_line("blob")
                                    .add("path", at_.shown(blob.name))
                                    .add("level", parents + 1)
                                    .add("size", blob.size)
                                    .text());
        } else if (!name.empty()) {
            line(parents + 1, name.substr(slash + 1), "  " + size_text(blob.size, call_.given));
        }
    }

    void finish() { tally_.finish(); }
    std::uint64_t folders() const { return folders_; }

private:
    bool opened(const folder_tally::folder& f) const { return f.level < depth_; }

    void enter(const folder_tally::folder& f) {
        ++folders_;
        if (opened(f)) show(f, false);
    }
    void leave(const folder_tally::folder& f) {
        if (f.level > 0 && !opened(f)) show(f, true);
    }
    void show(const folder_tally::folder& f, bool counted_too) {
        if (call_.given.json) {
            json_line out("folder");
            out.add("path", at_.shown(below_ + f.path)).add("level", f.level);
            if (counted_too) out.add("files", f.files).add("bytes", f.bytes);
            call_.screen.result(out.text());
            return;
        }
        const std::string_view inner = std::string_view(f.path).substr(0, f.path.size() - 1);
        std::string counts;
        if (counted_too) {
            counts = fmt::format("  {}, {}", counted(f.files, "blob"), size_text(f.bytes, call_.given));
        }
        line(f.level, f.path.substr(inner.rfind('/') + 1), counts);
    }
    void line(std::size_t level, std::string name, std::string_view more) {
        if (call_.world.out_is_terminal) name = printable(name);
        call_.screen.result(fmt::format("{:{}}{}{}", "", level * 2, name, more));
    }

    invocation& call_;
    const opened_location& at_;
    const std::string root_, below_;
    const std::size_t depth_;
    folder_tally tally_;
    std::uint64_t folders_ = 0;
};

int run(invocation& call) {
    auto places = stored_locations(call);
    if (!places) return give_up(call, places.error());
    auto cluster = load_cluster(call, call.given.cluster);
    if (!cluster) return give_up(call, cluster.error());
    session s(call, std::move(*cluster));
    location_opener opener(call, s);
    report r(call, "listed", "blob");
    const ops::list_options how{.detail = blob::detail::brief};
    std::uint64_t folders = 0;
    for (const location& place : *places) {
        if (r.stopped()) break;
        auto at = opener.open(place);
        if (!at) {
            r.fail(place.text, at.error());
            continue;
        }
        tree_printer printer(call, *at);
        bool begun = false;
        auto each = [&](const blob::properties& blob) {
            if (!begun && !call.given.json) call.screen.result(place.text);
            begun = true;
            printer.add(blob);
            if (call.screen.results_gone()) s.stop();
        };
        auto context = s.context(r);
        auto outcome = s.runtime().run(ops::list(context, at->remote(), how, each));
        if (outcome && !outcome->stopped) printer.finish();
        folders += printer.folders();
        r.add(place.text, outcome);
    }
    call.screen.flush();
    if (call.screen.results_gone()) return 0;
    if (!call.given.json && r.total().files > 0) {
        call.screen.result(fmt::format("{}, {}, {}", counted(folders, "folder"),
                                       counted(r.total().files, "blob"),
                                       size_text(r.total().bytes, call.given)));
    }
    return r.finish_quietly(s.wire());
}

constexpr example examples[] = {
    {"act tree data/voc20", "all folders and blobs below it, indented"},
    {"act tree --depth 1 data", "the folders directly in data, with what is in each"},
    {"act tree --json data", "for a script"},
};

}  // namespace

constinit const verb tree_verb{
    .name = "tree",
    .usage = "PATH|CLUSTER:PATH|URL...",
    .sentence = "Show what is stored as a tree, with sizes and counts.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
    .note =
        "Folders of the last level that --depth leaves are shown with the number and size of what is in "
        "them.",
};

}  // namespace act::cli
