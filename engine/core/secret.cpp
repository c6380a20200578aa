#include "engine/core/secret.hpp"

#include <cstring>
#include <ostream>

namespace act {

namespace {

struct rule {
    std::string_view key;   ///< in lower case; what follows it is hidden
    std::string_view ends;  ///< the characters that end the value, besides white space
    bool whole_word = true;
    bool to_end_of_line = false;
};

// "sig%3d": a SAS inside an encoded URL. The names in quotes are those of JSON and YAML.
constexpr rule rules[] = {
    {"sig=", "&;,\"'<>)", true, false},
    {"sig%3d", "&;,\"'<>)%", false, false},
    {"accountkey=", ";\"'", true, false},
    {"sharedaccesssignature=", ";\"'", true, false},
    {"authorization:", "\"'", false, true},
    {"authorization\":", "", false, true},
    {"bearer ", "\"',;", true, false},
    {"account_key:", ",}", true, false},
    {"account_key\":", ",}", false, false},
    {"account_key=", "&;,\"'", true, false},
    {"sas_token\":", ",}", false, false},
    // x-ms-encryption-key and x-ms-source-encryption-key, which the service repeats in what it has signed.
    {"encryption-key:", "\"',;", true, false},
    {"customer_key:", ",}", true, false},
    {"cpk_encryption_key=", "&;,\"'", true, false},
    {"access_token\":", ",}", false, false},
    {"refresh_token\":", ",}", false, false},
    {"access_token=", "&;,\"'", true, false},
    {"client_secret\":", ",}", false, false},
    {"client_secret=", "&;,\"'", true, false},
    {"client_assertion=", "&;,\"'", true, false},
};

bool is_word(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '_'; }

std::string to_lower(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    }
    return lower;
}

/// The rule whose key begins at `at`, or none.
const rule* rule_at(std::string_view lower, std::size_t at) {
    for (const rule& r : rules) {
        if (!lower.substr(at).starts_with(r.key)) continue;
        if (r.whole_word && at > 0 && is_word(lower[at - 1])) continue;
        return &r;
    }
    return nullptr;
}

/// Where the value that begins at `at` ends.
std::size_t end_of_value(std::string_view line, std::size_t at, const rule& r) {
    while (at < line.size()) {
        const char c = line[at];
        if (c == '\n' || c == '\r' || r.ends.find(c) != std::string_view::npos) break;
        if (!r.to_end_of_line && (c == ' ' || c == '\t')) break;
        ++at;
    }
    return at;
}

}  // namespace

void secret::wipe() noexcept {
    // As long as its memory is, without taking any.
    text_.resize(text_.capacity());
    ::explicit_bzero(text_.data(), text_.size());
    text_.clear();
}

std::ostream& operator<<(std::ostream& out, const secret& s) { return out << format_as(s); }

std::string redact(std::string_view line) {
    const std::string lower = to_lower(line);
    std::string out;
    out.reserve(line.size());
    for (std::size_t at = 0; at < line.size();) {
        const rule* r = rule_at(lower, at);
        if (!r) {
            out += line[at++];
            continue;
        }
        out += line.substr(at, r->key.size());
        at += r->key.size();
        while (at < line.size() && (line[at] == ' ' || line[at] == '"' || line[at] == '\''))
            out += line[at++];
        std::size_t end = end_of_value(line, at, *r);
        // A closing quote belongs to the text around the value.
        while (end > at && (line[end - 1] == '"' || line[end - 1] == '\'')) --end;
        if (end > at) out += "***";
        at = end;
    }
    return out;
}

}  // namespace act
