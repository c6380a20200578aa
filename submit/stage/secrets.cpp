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

/// Every file passes here, so this is done by the C library's vector code: string_view::find takes several
/// times as long as hashing. Where marks end with '=', that is rarer than their other letters.
std::size_t find_mark(std::string_view text, std::string_view mark, std::size_t at) {
    if (at + mark.size() > text.size()) return std::string_view::npos;
    if (mark.back() != '=') {
        auto found =
            static_cast<const char*>(::memmem(text.data() + at, text.size() - at, mark.data(), mark.size()));
        return found ? static_cast<std::size_t>(found - text.data()) : std::string_view::npos;
    }
    for (std::size_t end = at; (end = text.find('=', end)) != std::string_view::npos;) {
        ++end;
        if (end - at >= mark.size() && text.substr(0, end).ends_with(mark)) return end - mark.size();
    }
    return std::string_view::npos;
}

/// Is `mark` followed (after quotes and spaces, when `loose`) by at least `length` characters of the
/// alphabet?
bool marked(std::string_view text, std::string_view mark, std::size_t length, bool (*alphabet)(char),
            bool loose) {
    for (std::size_t at = 0; (at = find_mark(text, mark, at)) != std::string_view::npos;) {
        at += mark.size();
        std::string_view value = text.substr(at);
        if (loose) value.remove_prefix(std::min(value.find_first_not_of(" \t\r\n:='\""), value.size()));
        auto end = std::find_if_not(value.begin(), value.end(), alphabet);
        if (static_cast<std::size_t>(end - value.begin()) >= length && !value.starts_with(public_key_start))
            return true;
    }
    return false;
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

std::string_view secret_content(codec::bytes_view content) {
    std::string_view text(reinterpret_cast<const char*>(content.data()), content.size());
    // Account keys are 88 characters of base64, signatures 44 before encoding.
    if (marked(text, "AccountKey=", 40, is_base64, false)) return "it holds an account key";
    if (marked(text, "account_key", 40, is_base64, true)) return "it holds an account key";
    if (marked(text, "SharedAccessSignature=", 40, is_encoded_base64, false))
        return "it holds a shared access signature";
    if (marked(text, "sig=", 40, is_encoded_base64, false)) return "it holds a shared access signature";
    // "-----BEGIN ... PRIVATE KEY-----", with something behind it.
    if (marked(text, "PRIVATE KEY-----", 40, is_base64, true)) return "it holds a private key";
    return {};
}

}  // namespace act::stage
