#include "tools/act/known_manifest.hpp"

#include <filesystem>

#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "engine/core/utf8.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

constexpr std::size_t longest_line = 64 * KiB;
constexpr std::uint64_t known_version = 1;
constexpr auto anew = "run once without --manifest-in, with --manifest-out: that makes a new one";

error only_uploads(std::string_view what) {
    return error(kind::usage,
                 "--manifest-in tells what stands at the destination of an upload; " + std::string(what),
                 "leave it out");
}

}  // namespace

error known_manifest::damaged(std::string_view what) const {
    return error(kind::io, fmt::format("{}, line {}: {}", printable(name_), lines_.number(), what),
                 checked_ ? "it was changed meanwhile; run the same command again"
                          : std::string(anew) + "; nothing was changed");
}

result<plan::manifest_mark> known_manifest::head() {
    ACT_TRY(const auto line, lines_.next(until_));
    const auto mark = line ? plan::read_mark(*line) : std::nullopt;
    if (!mark || !mark->begins) {
        return error(kind::usage, printable(name_) + " is no manifest that --manifest-out wrote", anew);
    }
    if (mark->version != known_version) {
        return error(kind::unsupported,
                     fmt::format("{} is a manifest of version {}", printable(name_), mark->version),
                     "use the act that wrote it, or a newer one");
    }
    return *mark;
}

result<std::unique_ptr<known_manifest>> known_manifest::open(invocation& call, const std::string& destination,
                                                             until u) {
    const std::string& name = call.given.manifest_in;
    std::error_code unknown;
    if (!std::filesystem::exists(call.world.absolute(name), unknown) && !unknown) {
        call.screen.problem(printable(name) +
                            " is not there yet: the destination is listed, as without --manifest-in");
        return nullptr;
    }
    const line_source::form form{'\n', longest_line, "is this a manifest?"};
    ACT_TRY(auto lines, line_source::open(call.world, name, form));
    std::unique_ptr<known_manifest> out(new known_manifest(name, std::move(lines), std::move(u)));
    if (!out->lines_.rewind()) {
        return error(kind::usage, printable(name) + " is no file that can be read twice",
                     "keep it in a file");
    }
    ACT_TRY(const plan::manifest_mark head, out->head());
    out->placed_ = !head.destination.empty();
    if (head.destination.empty() && call.given.delete_extras) {
        return error(kind::usage,
                     printable(name) +
                         " does not tell which destination it is of, so it cannot say what to "
                         "delete there",
                     anew);
    }
    if (head.destination.empty()) {
        call.screen.problem("warning: " + printable(name) +
                            " does not tell which destination it is of; taken as one of " + destination);
    } else if (head.destination != destination) {
        return error(kind::usage,
                     fmt::format("{} is the manifest of {}, and the destination is {}", printable(name),
                                 printable(head.destination), destination),
                     "use a manifest for each destination, or leave --manifest-in out");
    }
    for (;;) {
        ACT_TRY(const auto item, out->next());
        if (!item) break;
    }
    out->checked_ = true;
    return out;
}

result<void> known_manifest::begin() {
    if (!lines_.rewind()) return error(kind::io, printable(name_) + " cannot be read from its beginning");
    last_.clear();
    seen_ = 0;
    ACT_TRY_VOID(head());
    return {};
}

result<std::optional<plan::listed_item>> known_manifest::next() {
    ACT_TRY(const auto line, lines_.next(until_));
    if (!line) return damaged("there is no last line behind it: the manifest is not whole");
    if (const auto mark = plan::read_mark(*line)) {
        if (mark->begins) return damaged("another manifest begins");
        if (mark->objects != seen_) {
            return damaged(fmt::format("{} objects are told, and {} are there", mark->objects, seen_));
        }
        return std::optional<plan::listed_item>();
    }
    if (!line->starts_with('{')) return damaged("not JSON");
    auto item = plan::read_item(*line);
    if (!item) return damaged(item.error().message());
    if (!*item) return damaged("not an object");
    plan::listed_item& one = **item;
    if (seen_ > 0 && one.destination <= last_) {
        return damaged("'" + printable(one.destination) + "' is not in the order of names, or there twice");
    }
    // Before manifests told their destination, they had the file's size and time also of what was left.
    if (!placed_ && line->ends_with(R"("state":"unchanged"})")) one.modified.reset();
    ++seen_;
    last_ = one.destination;
    one.doubtful |= !one.size && !one.folder;
    return std::move(*item);
}

error no_manifest_in_from_store() {
    // Only a change feed could tell.
    return only_uploads("what changed at a source in a store shows in a listing alone");
}

result<void> check_manifest_in(const options& given, std::size_t paths) {
    if (given.manifest_in.empty()) return {};
    if (paths != 1) {
        return error(kind::usage,
                     "--manifest-in is the manifest of one destination, and several things are sent",
                     "send them one at a time, each with its own manifest");
    }
    if (!given.from_list.empty()) {
        return error(kind::usage, "a list is not compared with all that stands at the destination",
                     "leave out --from-list or --manifest-in");
    }
    if (given.manifest_in == "-") {
        return error(kind::usage, "--manifest-in is read more than once, which standard input cannot be",
                     "keep it in a file");
    }
    return {};
}

result<void> check_manifest_in(const options& given, std::span<const copy_pair> pairs) {
    if (given.manifest_in.empty()) return {};
    for (const copy_pair& p : pairs) {
        if (p.from.what == location::type::stream) return only_uploads("a stream is one blob");
        if (!p.from.remote()) continue;
        return no_manifest_in_from_store();
    }
    return check_manifest_in(given, pairs.size());
}

std::string stored_place(const opened_account& account, const ops::remote& at) {
    if (!account.embedded) return at.client.url({at.container, at.path});
    return "embedded-store/" + at.container + (at.path.empty() ? "" : "/" + at.path);
}

}  // namespace act::cli
