#include "transfer/blob/blob_url.hpp"

#include <arpa/inet.h>

#include "transfer/blob/names.hpp"

namespace act::blob {

std::string endpoint_path(const uri& u) {
    in_addr four{};
    const bool emulator = u.host.find(':') != std::string::npos ||
                          ::inet_pton(AF_INET, u.host.c_str(), &four) == 1 ||
                          u.host.find('.') == std::string::npos;
    return emulator ? u.path.substr(0, u.path.find('/', 1)) : std::string();
}

result<blob_url> split_url(const uri& u, std::string_view base) {
    blob_url out;
    out.account = base.empty() ? u.host.substr(0, u.host.find('.'))
                               : decode_component(base.substr(1)).value_or(std::string(base));
    out.endpoint = u;
    out.endpoint.path = base;
    out.endpoint.query.clear();
    const auto decoded = decode_component(std::string_view(u.path).substr(base.size()));
    std::string rest = decoded.value_or(std::string());
    if (rest.starts_with('/')) rest.erase(0, 1);
    const std::size_t slash = rest.find('/');
    out.container = rest.substr(0, slash);
    if (slash != std::string::npos) out.path = rest.substr(slash + 1);
    if (out.path.ends_with('/')) out.path.pop_back();
    if (out.account.empty() || out.container.empty()) {
        uri shown = u;
        shown.query.clear();
        return error(kind::usage, "URL '" + shown.str() + "' names no container",
                     "write it as https://ACCOUNT.blob.core.windows.net/CONTAINER/PATH");
    }
    ACT_TRY_VOID(check_container_name(out.container));
    if (!out.path.empty()) ACT_TRY_VOID(check_blob_name(out.path));
    return out;
}

}  // namespace act::blob
