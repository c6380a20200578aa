#include "tools/act/help.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace act::cli {

namespace {

std::string names_of(const option& o) {
    std::string out;
    if (!o.short_name.empty()) out = fmt::format("{}, ", o.short_name);
    out += o.name;
    if (!o.is_flag()) out += fmt::format(" {}", o.value);
    return out;
}

std::string names_of(const verb& v) {
    std::string out(v.name);
    // Of many aliases only the short form is worth a place in the list.
    if (!v.aliases.empty() && v.aliases.front().size() < v.name.size())
        out = fmt::format("{}, {}", v.aliases.front(), v.name);
    return out;
}

template <class Wanted>
void add_options(std::string& out, std::string_view title, Wanted wanted) {
    std::string rows;
    for (const option& o : all_options()) {
        if (o.sentence.empty() || !wanted(o)) continue;
        rows += fmt::format("  {:<26} {}\n", names_of(o), o.sentence);
    }
    if (!rows.empty()) out += fmt::format("\n{}:\n{}", title, rows);
}

void add_examples(std::string& out, std::span<const example> examples) {
    std::size_t width = 0;
    for (const auto& e : examples) {
        if (e.command.size() <= 44) width = std::max(width, e.command.size());
    }
    for (const auto& e : examples) {
        if (e.command.size() <= width) {
            out += fmt::format("  {:<{}}   {}\n", e.command, width, e.meaning);
        } else {
            out += fmt::format("  {}\n  {:<{}}   {}\n", e.command, "", width, e.meaning);
        }
    }
}

constexpr example first_steps[] = {
    {"act u data/voc20", "upload a folder"},
    {"act ls data", "see what is stored"},
    {"act init && act submit --wait python3 train.py", "run a command with the data in place"},
    {"act VERB --help", "more examples"},
};

}  // namespace

std::string overview() {
    std::string out =
        "act moves data to and from Azure Blob Storage and runs commands where the data is.\n"
        "Without a cluster file it works on a store and with jobs on this machine.\n\n"
        "usage: act [OPTIONS] VERB [ARGUMENTS]\n\nverbs:\n";
    for (const verb* v : all_verbs()) {
        if (!v->hidden) out += fmt::format("  {:<12} {}\n", names_of(*v), v->sentence);
    }
    out += "\nexamples:\n";
    add_examples(out, first_steps);
    add_options(out, "options", [](const option& o) { return o.verbs.empty(); });
    return out;
}

std::string help_of(const verb& v) {
    std::string out = fmt::format("{}\n\nusage: act [OPTIONS] {}{}{}\n", v.sentence, v.name,
                                  v.usage.empty() ? "" : " ", v.usage);
    if (!v.aliases.empty()) {
        out += "also:  ";
        for (std::string_view alias : v.aliases)
            out += fmt::format("{}{}", alias == v.aliases.front() ? "" : ", ", alias);
        out += '\n';
    }
    if (!v.examples.empty()) {
        out += "\nexamples:\n";
        add_examples(out, v.examples);
    }
    if (!v.note.empty()) out += fmt::format("\n{}\n", v.note);
    add_options(out, "options", [&](const option& o) { return !o.verbs.empty() && o.belongs_to(v.name); });
    add_options(out, "options of every verb", [](const option& o) { return o.verbs.empty(); });
    return out;
}

std::string version_line() { return "act " ACT_VERSION; }

}  // namespace act::cli
