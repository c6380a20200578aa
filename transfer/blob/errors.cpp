#include "transfer/blob/errors.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "engine/core/secret.hpp"
#include "transfer/blob/encryption.hpp"
#include "transfer/blob/xml.hpp"

namespace act::blob {
namespace {

struct rule {
    std::string_view code;
    act::kind kind;
    std::string_view advice;
};

constexpr std::string_view check_key =
    "Check the account name and key (or the SAS and its expiry), and that this machine's clock is right.";
constexpr std::string_view check_rights =
    "Ask for a role or SAS that allows this operation on this container.";
constexpr std::string_view changed = "Somebody else changed it meanwhile; run the command again.";
constexpr std::string_view leased = "Release or break its lease, or wait until it ends.";
constexpr std::string_view later = "Wait a little and run the command again.";
constexpr std::string_view damaged =
    "The data was damaged on its way; run the command again, and check memory and network if it recurs.";
constexpr std::string_view advise_other_key =
    "It was written with another customer-provided key or encryption scope, as may be the uncommitted blocks "
    "that an interrupted upload left, until they vanish after a week: give that one, or remove the blob "
    "first.";
constexpr std::string_view advise_key =
    "Give the key that it was written with (--customer-key, or customer_key in the account file), or the "
    "encryption scope where it has one.";
constexpr std::string_view slower = "Run the command again later, or with a lower concurrency.";

/// Sorted by code.
constexpr rule rules[] = {
    {"AccessTierNotSupportedForBlobType", kind::usage,
     "Use one of the tiers Hot, Cool, Cold and Archive, on a block blob."},
    {"AccountAlreadyExists", kind::conflict, ""},
    {"AccountBeingCreated", kind::unavailable, later},
    {"AccountIsDisabled", kind::permission, "Enable the storage account."},
    {"AppendPositionConditionNotMet", kind::precondition, changed},
    {"AuthenticationFailed", kind::authentication, check_key},
    {"AuthorizationFailure", kind::permission,
     "Check the key or SAS, and whether the account's network rules let this machine in."},
    {"AuthorizationPermissionMismatch", kind::permission, check_rights},
    {"AuthorizationProtocolMismatch", kind::permission, "The SAS demands https: use an https endpoint."},
    {"AuthorizationResourceTypeMismatch", kind::permission,
     "Use an account SAS whose resource types (srt) cover service, container and object as needed."},
    {"AuthorizationServiceMismatch", kind::permission, "Use an account SAS whose services (ss) include b."},
    {"AuthorizationSourceIPMismatch", kind::permission,
     "The SAS or the account allows other addresses only."},
    {"BlobAlreadyExists", kind::conflict, ""},
    {"BlobArchived", kind::conflict,
     "Bring it out of the archive tier with `act set --tier Hot`, which takes hours, then run the command "
     "again."},
    {"BlobBeingRehydrated", kind::conflict, "Wait until the blob has left the archive tier (hours)."},
    {"BlobCustomerSpecifiedEncryptionMismatch", kind::configuration, advise_other_key},
    {"BlobDoesNotUseCustomerSpecifiedEncryption", kind::configuration,
     "Leave --customer-key and --encryption-scope, or customer_key and encryption_scope in the account file, "
     "out for it."},
    {"BlobImmutableDueToPolicy", kind::permission, "An immutability policy or legal hold protects it."},
    {"BlobNotFound", kind::not_found, ""},
    {"BlobOverwritten", kind::precondition, changed},
    {"BlobUsesCustomerSpecifiedEncryption", kind::configuration, advise_key},
    {"BlockCountExceedsLimit", kind::conflict,
     "Too many uncommitted blocks: remove the blob, or wait a week until they vanish."},
    {"BlockListTooLong", kind::usage, "Use a larger block size: a blob has at most 50,000 blocks."},
    {"CannotVerifyCopySource", kind::unavailable,
     "Check that the source exists and that its SAS allows reading."},
    {"ConditionNotMet", kind::precondition, changed},
    {"ContainerAlreadyExists", kind::conflict, ""},
    {"ContainerBeingDeleted", kind::conflict,
     "The container is being deleted: wait half a minute and try again."},
    {"ContainerDisabled", kind::permission, "The container is disabled by an administrator."},
    {"ContainerNotFound", kind::not_found, "Check the container's name, or create it."},
    {"Crc64Mismatch", kind::integrity, damaged},
    {"DirectoryIsNotEmpty", kind::conflict, "Remove what is in it first."},
    {"FeatureNotSupported", kind::unsupported, ""},
    {"FeatureNotYetSupportedForHierarchicalNamespaceAccounts", kind::unsupported,
     "The account has a hierarchical namespace, which excludes this."},
    {"FeatureVersionMismatch", kind::unsupported, ""},
    {"InsufficientAccountPermissions", kind::permission, check_rights},
    {"InternalError", kind::unavailable, later},
    {"InvalidAuthenticationInfo", kind::authentication, check_key},
    {"InvalidBlobOrBlock", kind::conflict,
     "Another program left blocks of another form there: remove the blob (and its uncommitted blocks) "
     "first."},
    {"InvalidBlobTier", kind::usage, "Use one of the tiers Hot, Cool, Cold and Archive, on a block blob."},
    {"InvalidBlobType", kind::conflict, "The blob there is of another type: remove it first."},
    {"InvalidBlockList", kind::precondition, "Blocks vanished before the commit; run the command again."},
    {"InvalidHeaderValue", kind::unsupported, "The service may be older than this program: update it."},
    {"InvalidMd5", kind::internal, ""},
    {"InvalidMetadata", kind::usage, "Metadata names are letters, digits and underscores; values are ASCII."},
    {"InvalidRange", kind::precondition, changed},
    {"InvalidResourceName", kind::usage, "Check the names of container and blob."},
    {"InvalidSourceBlobType", kind::unsupported, ""},
    {"InvalidUri", kind::usage, "Check the names of container and blob."},
    {"LeaseAlreadyPresent", kind::conflict, leased},
    {"LeaseIdMismatchWithBlobOperation", kind::conflict, leased},
    {"LeaseIdMismatchWithContainerOperation", kind::conflict, leased},
    {"LeaseIdMissing", kind::conflict, leased},
    {"LeaseLost", kind::conflict, leased},
    {"MaxBlobSizeConditionNotMet", kind::precondition, changed},
    {"Md5Mismatch", kind::integrity, damaged},
    {"MetadataTooLarge", kind::usage, "Use less metadata: names and values may take 8 KiB."},
    {"NoAuthenticationInformation", kind::authentication,
     "Give an account key, a SAS or a login for this account."},
    {"OperationTimedOut", kind::throttled, slower},
    {"PendingCopyOperation", kind::conflict, "Wait until the copy to this blob has ended, or abort it."},
    {"PublicAccessNotPermitted", kind::authentication,
     "Give an account key, a SAS or a login for this account."},
    {"RequestBodyTooLarge", kind::usage, "Use a smaller block size."},
    {"RequestForbiddenByContainerEncryptionPolicy", kind::permission,
     "The container allows its own encryption scope only: name that one, or leave --encryption-scope (and "
     "encryption_scope in the account file) out."},
    {"ResourceNotFound", kind::not_found, "Check the names of account, container and blob."},
    {"ServerBusy", kind::throttled, slower},
    {"SnapshotsPresent", kind::conflict, "The blob has snapshots: remove them with it."},
    {"SourceConditionNotMet", kind::precondition, changed},
    {"SystemInUse", kind::conflict, later},
    {"TargetConditionNotMet", kind::precondition, changed},
    {"UnauthorizedBlobOverwrite", kind::permission,
     "The SAS may create blobs but not overwrite them: ask for one with write permission."},
};

const rule* find_rule(std::string_view code) {
    auto at = std::lower_bound(std::begin(rules), std::end(rules), code,
                               [](const rule& r, std::string_view c) { return r.code < c; });
    return at != std::end(rules) && at->code == code ? at : nullptr;
}

kind by_status(int status) {
    switch (status) {
        case 304:
        case 412:
        case 416:
            return kind::precondition;
        case 401:
            return kind::authentication;
        case 403:
            return kind::permission;
        case 404:
        case 410:
            return kind::not_found;
        case 405:
        case 501:
        case 505:
            return kind::unsupported;
        case 407:
            return kind::configuration;
        case 408:
            return kind::timeout;
        case 409:
            return kind::conflict;
        case 413:
        case 414:
            return kind::usage;
        case 429:
        case 503:
            return kind::throttled;
        default:
            break;
    }
    if (status >= 500) return kind::unavailable;
    if (status >= 300 && status < 400) return kind::configuration;
    // What is left of 400: a request that the service does not understand, and so an error of ours or of its
    // age.
    return status >= 400 ? kind::internal : kind::protocol;
}

std::string_view advice_by_status(int status) {
    switch (status) {
        case 401:
            return "Give an account key, a SAS or a login for this account.";
        case 403:
            return check_rights;
        case 404:
            return "Check the names of account, container and blob.";
        case 407:
            return "A proxy stands in the way: check the proxy settings.";
        case 412:
            return changed;
        case 429:
        case 503:
            return slower;
        default:
            break;
    }
    if (status >= 500 && status != 501) return later;
    if (status >= 300 && status < 400 && status != 304) return "Check the endpoint: it redirects elsewhere.";
    return {};
}

std::string one_line(std::string_view text) {
    // The service puts "RequestId:" and "Time:" on lines of their own behind its sentence.
    text = text.substr(0, text.find("\nRequestId:"));
    std::string out;
    for (char c : text) {
        bool gap = c == ' ' || c == '\n' || c == '\r' || c == '\t';
        if (!gap) {
            out.push_back(c);
        } else if (!out.empty() && out.back() != ' ') {
            out.push_back(' ');
        }
        if (out.size() >= 500) break;
    }
    while (!out.empty() && (out.back() == ' ' || out.back() == '.')) out.pop_back();
    return out;
}

/// The string behind "key": in a JSON error; enough for {"error":{"code":"..","message":".."}}.
std::string json_string(std::string_view body, std::string_view key) {
    auto at = body.find(fmt::format("\"{}\"", key));
    if (at == body.npos) return {};
    at = body.find_first_not_of(" \t\r\n:", at + key.size() + 2);
    if (at == body.npos || body[at] != '"') return {};
    std::string out;
    for (++at; at < body.size() && body[at] != '"'; ++at) {
        if (body[at] == '\\') {
            if (++at == body.size()) break;
            out.push_back(body[at] == 'n' ? '\n' : body[at] == 't' || body[at] == 'r' ? ' ' : body[at]);
            continue;
        }
        out.push_back(body[at]);
    }
    return out;
}

void read_body(service_error& e, std::string_view body) {
    auto first = body.find_first_not_of("\xEF\xBB\xBF \t\r\n");
    if (first == body.npos) return;
    if (body[first] == '{') {
        if (e.code.empty()) e.code = json_string(body, "code");
        e.message = one_line(json_string(body, "message"));
        return;
    }
    xml::reader r(body);
    auto root = xml::next_child(r);
    if (!root || !*root || r.name() != "Error") return;
    for (;;) {
        auto child = xml::next_child(r);
        if (!child || !*child) return;
        std::string name(r.name());
        auto text = r.content();
        if (!text) return;
        if (name == "Code") {
            if (e.code.empty()) e.code = one_line(*text);
        } else if (name == "Message") {
            e.message = one_line(*text);
        } else if (!text->empty()) {
            if (!e.detail.empty()) e.detail += "; ";
            e.detail += fmt::format("{}: {}", name, one_line(*text));
        }
    }
}

/// For answers without a text, as all to HEAD are.
std::string in_our_words(const service_error& e, kind k) {
    if (e.code == "ContainerNotFound") return "the container does not exist";
    if (e.code == needs_encryption)
        return "it is encrypted with a customer-provided key, which was not given";
    if (e.code == other_encryption)
        return "it is encrypted with another customer-provided key than the one that was given";
    if (e.code == needs_no_encryption)
        return "it is not encrypted with a customer-provided key, and one was given";
    switch (k) {
        case kind::not_found:
            return "it does not exist";
        case kind::permission:
            return "access is denied";
        case kind::authentication:
            return "the credential was refused";
        case kind::throttled:
            return "the service asks for fewer requests";
        default:
            return fmt::format("the service answered {}", e.status);
    }
}

}  // namespace

service_error read_error(int status, const http::fields& headers, std::string_view body) {
    service_error e;
    e.status = status;
    e.code = headers.get("x-ms-error-code");
    e.request_id = headers.get("x-ms-request-id");
    e.source_code = headers.get("x-ms-copy-source-error-code");
    auto source = headers.get("x-ms-copy-source-status-code");
    std::from_chars(source.data(), source.data() + source.size(), e.source_status);
    read_body(e, body);
    return e;
}

kind kind_of(int status, std::string_view code) {
    if (const auto* r = find_rule(code)) return r->kind;
    return by_status(status);
}

error fold(const service_error& e, std::string_view what) {
    const auto* r = find_rule(e.code);
    auto k = r ? r->kind : by_status(e.status);
    auto message = fmt::format("{}: {}", what, e.message.empty() ? in_our_words(e, k) : e.message);
    std::string advice(r && !r->advice.empty() ? r->advice
                       : r                     ? std::string_view()
                                               : advice_by_status(e.status));
    if (e.source_status != 0) {
        message += fmt::format(" (the source answered {}{}{})", e.source_status,
                               e.source_code.empty() ? "" : " ", e.source_code);
        k = kind_of(e.source_status, e.source_code);
    }
    // The server's own view of what was signed is long, the rest is short. It repeats headers, and what opens
    // a copy's source is one of them.
    if (!e.detail.empty()) message += fmt::format(" [{}]", redact(e.detail));
    return error(k, std::move(message), std::move(advice)).with_service(e.code, e.status, e.request_id);
}

std::string error_document(std::string_view code, std::string_view message,
                           const std::vector<std::pair<std::string_view, std::string>>& extra) {
    xml::writer w;
    w.open("Error").element("Code", code).element("Message", message);
    for (const auto& [name, text] : extra) w.element(name, text);
    return w.take();
}

}  // namespace act::blob
