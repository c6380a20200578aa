#include "tools/act/copy_pairs.hpp"

#include <fmt/format.h>

#include "tools/act/known_manifest.hpp"
#include "tools/act/policy.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

using type = location::type;

result<void> check_ends(const location& from, const location& to, bool into) {
    if (!from.remote() && !to.remote()) {
        const bool stream = from.what == type::stream || to.what == type::stream;
        return error(
            kind::usage, "neither '" + from.text + "' nor '" + to.text + "' is in a store",
            stream ? "write CLUSTER:PATH or a URL for one of them; `act --help` shows the rest"
                   : "write CLUSTER:PATH or a URL for one of them (local: is the built-in cluster); cp(1) "
                     "copies on this machine");
    }
    if (from.what == type::stream && into) {
        return error(kind::usage, "standard input has no name of its own to go into '" + to.text + "' with",
                     "end the destination with a name");
    }
    return {};
}

}  // namespace

result<ops::tree_end> tree_of(invocation& call, location_opener& opener, const location& at) {
    ops::tree_end end;
    if (at.what == type::stream) {
        return error(kind::usage, "a stream is no tree", "name a file or a folder");
    }
    if (at.remote()) {
        ACT_TRY(opened_location found, opener.open(at));
        end.there.emplace(found.remote());
    } else {
        end.local = call.world.absolute(at.path);
        end.links = links_of(call.given);
        while (end.local.size() > 1 && end.local.ends_with('/')) end.local.pop_back();
    }
    return end;
}

result<void> check_stored(const copy_pair& p, std::string_view instead) {
    if (p.from.remote() || p.to.remote()) return {};
    return error(
        kind::usage, "neither end is in a store",
        fmt::format("write CLUSTER:PATH or a URL for one of them; {} copies on this machine", instead));
}

void enter(report& r, const copy_pair& p) {
    std::string path =
        p.to.what == type::url ? decode_component(p.to.url.path).value_or(p.to.url.path) : p.to.path;
    while (path.ends_with('/')) path.pop_back();
    r.enter(p.name, p.name.empty() ? path.substr(path.rfind('/') + 1) : p.name);
}

result<tree_pair> two_trees(invocation& call, location_opener& opener) {
    if (call.words.size() != 2) {
        return error(kind::usage,
                     "`act " + std::string(call.verb.name) + "` takes a source and a destination",
                     "for instance: " + std::string(call.verb.examples.front().command));
    }
    ACT_TRY(location from, parse_location(call.world, call.words[0], plain::local));
    ACT_TRY(location to, parse_location(call.world, call.words[1], plain::local));
    ACT_TRY(ops::tree_end source, tree_of(call, opener, from));
    ACT_TRY(ops::tree_end destination, tree_of(call, opener, to));
    return tree_pair{{std::move(from), std::move(to), {}}, std::move(source), std::move(destination)};
}

std::string last_component(const location& at, const std::string& opened_path) {
    std::string path = at.remote() ? opened_path : at.path;
    // A stored path is already without them: where it led to is what counts.
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    std::string last = path.substr(path.rfind('/') + 1);
    const bool contents = at.what == type::stored && (at.path == "." || at.path.ends_with("/."));
    return contents || last == "." || last == ".." ? std::string() : last;
}

location below(location folder, const std::string& name) {
    if (name.empty()) return folder;
    auto joined = [&](const std::string& path, const std::string& tail) {
        return path.empty() || path.ends_with('/') ? path + tail : path + '/' + tail;
    };
    if (folder.what == type::url) {
        folder.url.path = joined(folder.url.path, encode_component(name));
        folder.text = folder.url.str();
    } else {
        folder.path = joined(folder.path, name);
        folder.text = folder.cluster.empty() ? folder.path : folder.cluster + ':' + folder.path;
    }
    folder.folder = false;
    return folder;
}

result<std::vector<copy_pair>> copy_pairs_of(invocation& call, location_opener& opener) {
    if (call.words.size() < 2) {
        return error(kind::usage, "a destination is missing",
                     "for instance: " + std::string(call.verb.examples.front().command));
    }
    std::vector<location> ends;
    for (const auto& word : call.words) {
        ACT_TRY(location end, parse_location(call.world, word, plain::local));
        ends.push_back(std::move(end));
    }
    const location to = std::move(ends.back());
    ends.pop_back();
    if (ends.size() > 1 && to.what == type::stream) {
        return error(kind::usage, "several sources cannot be copied to standard output",
                     "`act cat` writes one after another");
    }
    bool into = ends.size() > 1 || to.folder;
    if (!into && to.what == type::url) {
        ACT_TRY(opened_location found, opener.open(to));
        into = found.path.empty();
    }
    std::vector<copy_pair> out;
    for (auto& from : ends) {
        ACT_TRY_VOID(check_ends(from, to, into));
        std::string opened_path;
        if (from.remote()) {
            ACT_TRY(opened_location found, opener.open(from));
            opened_path = found.path;
        }
        location target = into ? below(to, last_component(from, opened_path)) : to;
        for (const auto& other : out) {
            if (other.to.text != target.text || target.text == to.text) continue;
            return error(
                kind::usage,
                fmt::format("'{}' and '{}' would both become '{}'", other.from.text, from.text, target.text),
                "copy them one at a time, to different names");
        }
        std::string name = ends.size() > 1 ? last_component(from, opened_path) : std::string();
        out.push_back({std::move(from), std::move(target), std::move(name)});
    }
    return out;
}

result<summary> transfer_tree(invocation& call, session& s, report& r, location_opener& opener,
                              const copy_pair& p, const plan::selection& wanted, plan::item_list* items) {
    const options& given = call.given;
    auto context = s.context(r);
    if (p.from.what == type::local) {
        ACT_TRY(opened_location to, opener.open(p.to));
        const std::string local = call.world.absolute(p.from.path);
        auto how = upload_options_of(given, wanted);
        how.items = items;
        if (p.name.empty()) {
            ACT_TRY(how.known, r.goes_to(stored_place(*to.account, to.remote()), s.until()));
        }
        return s.runtime().run(ops::upload(context, local, to.remote(), how));
    }
    if (p.to.what == type::local) {
        ACT_TRY_VOID(check_attributes_fit(given, p.to.text));
        ACT_TRY(opened_location from, opener.open(p.from));
        const std::string local = call.world.absolute(p.to.path);
        auto how = download_options_of(given, wanted);
        how.items = items;
        if (p.name.empty()) ACT_TRY_VOID(r.goes_to(local, s.until()));
        return s.runtime().run(ops::download(context, from.remote(), local, how));
    }
    auto how = copy_options_of(given, wanted);
    how.items = items;
    return copy_between_stores(s, r, opener, p, how);
}

result<summary> copy_between_stores(session& s, report& r, location_opener& opener, const copy_pair& p,
                                    const ops::copy_options& how) {
    ACT_TRY(opened_location from, opener.open(p.from));
    ACT_TRY(opened_location to, opener.open(p.to));
    if (p.name.empty()) ACT_TRY_VOID(r.goes_to(stored_place(*to.account, to.remote()), s.until()));
    auto& link = s.link(*from.account, *to.account);
    auto context = s.context(r);
    r.tell_ways();
    return s.runtime().run(
        ops::copy(context, {*from.account->client, from.container, from.path, link}, to.remote(), how));
}

}  // namespace act::cli
