#include "submit/stage/secrets.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>

#include "submit/cluster/secrets.hpp"

namespace act::stage {
namespace {

bool is_base64(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '+' || c == '/' || c == '=';
}
bool is_encoded_base64(char c) { return is_base64(c) || c == '%'; }

/// The emulators' key is public (blob-rest.md section 1) and stands in many a test.
constexpr std::string_view public_key_start = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6";

struct mark {
    std::string_view text;
    bool (*alphabet)(char);
    bool loose;  ///< quotes and spaces may come between
    std::string_view why;
};

/// Account keys are 88 characters of base64, signatures 44 before encoding.
constexpr std::ptrdiff_t secret_length = 40;

constexpr std::array<mark, 3> settings = {{
    {"AccountKey=", is_base64, false, "it holds an account key"},
    {"SharedAccessSignature=", is_encoded_base64, false, "it holds a shared access signature"},
    {"sig=", is_encoded_base64, false, "it holds a shared access signature"},
}};
constexpr std::array<mark, 2> words = {{
    {"account_key", is_base64, true, "it holds an account key"},
    // "-----BEGIN ... PRIVATE KEY-----", with something behind it.
    {"PRIVATE KEY-----", is_base64, true, "it holds a private key"},
}};

/// Does a secret begin here, behind the mark?
bool follows(const mark& m, std::string_view value) {
    if (m.loose) value.remove_prefix(std::min(value.find_first_not_of(" \t\r\n:='\""), value.size()));
    const auto end = std::find_if_not(value.begin(), value.end(), m.alphabet);
    return end - value.begin() >= secret_length && !value.starts_with(public_key_start);
}

}  // namespace

std::string_view secret_name(std::string_view name) {
    if (name.starts_with("aux_data/configs/")) return "account files stay here";
    std::string_view last = name.substr(name.rfind('/') + 1);
    static constexpr std::array<std::string_view, 9> names = {
        "id_rsa", "id_dsa",  "id_ecdsa",         "id_ed25519", ".env",
        ".netrc", ".pgpass", ".git-credentials", ".pypirc"};
    if (std::find(names.begin(), names.end(), last) != names.end())
        return "a file of this name holds credentials";
    static constexpr std::array<std::string_view, 5> endings = {".pem", ".pfx", ".p12", ".ppk", ".keystore"};
    for (auto e : endings) {
        if (last.ends_with(e)) return "a file of this kind may hold a private key";
    }
    bool example = last.ends_with(".example") || last.ends_with(".sample") || last.ends_with(".template");
    if (last.starts_with(".env.") && !example) return "a file of this name holds credentials";
    return {};
}

std::string_view secret_setting(std::string_view name, codec::bytes_view content) {
    const bool is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
    if (!name.starts_with("aux_data/") || !is_yaml) return {};
    const std::string text(reinterpret_cast<const char*>(content.data()), content.size());
    const bool holds =
        name.starts_with("aux_data/aml/") ? cluster::holds_secret(text) : cluster::seems_to_hold_secret(text);
    return holds ? "it holds a password or token; give it as env:NAME" : "";
}

// Every file passes here, so the looking is done by the C library's vector code: string_view::find takes
// several times as long as hashing.
std::string_view secret_content(codec::bytes_view content) {
    const std::string_view text(reinterpret_cast<const char*>(content.data()), content.size());
    if (text.empty()) return {};
    // The '=' is rarer than what comes before it.
    for (std::size_t end = 0; (end = text.find('=', end)) != std::string_view::npos;) {
        const char before = end > 0 ? text[end - 1] : '\0';
        ++end;
        for (const mark& m : settings) {
            const bool may_be = before == m.text[m.text.size() - 2];
            if (may_be && text.substr(0, end).ends_with(m.text) && follows(m, text.substr(end))) return m.why;
        }
    }
    for (const mark& m : words) {
        std::string_view rest = text;
        while (const void* found = ::memmem(rest.data(), rest.size(), m.text.data(), m.text.size())) {
            const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - rest.data());
            rest.remove_prefix(at + m.text.size());
            if (follows(m, rest)) return m.why;
        }
    }
    return {};
}

}  // namespace act::stage
