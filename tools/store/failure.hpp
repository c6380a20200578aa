#pragma once

#include <string>
#include <utility>
#include <vector>

#include <boost/system/result.hpp>

#include "engine/core/error.hpp"

namespace act::store {

/// An error code of the Blob service: status, name and text (blob-rest.md section 16).
struct code {
    int status = 500;
    const char* name = "InternalError";
    const char* message = "The server encountered an internal error. Please retry the request.";
};

/// Why a request is refused, as the client will read it.
class failure {
public:
    failure() = default;
    explicit failure(const code& c) : code_(c) {}
    failure(const code& c, std::string message) : code_(c), message_(std::move(message)) {}

    int status() const { return code_.status; }
    const char* name() const { return code_.name; }
    std::string message() const { return message_.empty() ? code_.message : message_; }
    bool is(const code& c) const { return code_.name == c.name; }

    /// One more element of the error document, behind the message.
    failure with(const char* element, std::string text) &&;
    /// One more header of the answer.
    failure header(const char* name, std::string value) &&;
    const std::vector<std::pair<std::string, std::string>>& elements() const { return elements_; }
    const std::vector<std::pair<std::string, std::string>>& headers() const { return headers_; }

private:
    code code_;
    std::string message_;
    std::vector<std::pair<std::string, std::string>> elements_, headers_;
};

/// A value, or what the client is told instead.
template <class T = void>
using outcome = boost::system::result<T, failure>;

/// A failure of the disk or the index. The client reads that the store's disk is full, or that it failed; the
/// details go to the log.
failure from_error(const error&);

failure invalid_query(std::string_view name, std::string_view value);
failure invalid_header(std::string_view name, std::string_view value);
failure missing_header(std::string_view name);
failure missing_query(std::string_view name);

namespace codes {
#define ACT_CODE(id, status, name, message) \
    inline constexpr code id { status, name, message }
ACT_CODE(internal_error, 500, "InternalError",
         "The server encountered an internal error. Please retry the request.");
ACT_CODE(disk_full, 500, "InternalError", "The disk of the store is full. Nothing was changed.");
ACT_CODE(not_implemented, 501, "NotImplemented",
         "The requested operation is not implemented on the specified resource.");
ACT_CODE(unsupported_verb, 405, "UnsupportedHttpVerb",
         "The resource doesn't support the specified HTTP verb.");
ACT_CODE(invalid_uri, 400, "InvalidUri", "The requested URI does not represent any resource on the server.");
ACT_CODE(invalid_input, 400, "InvalidInput", "One of the request inputs is not valid.");
ACT_CODE(invalid_resource_name, 400, "InvalidResourceName",
         "The specified resource name contains invalid characters.");
ACT_CODE(out_of_range_input, 400, "OutOfRangeInput", "One of the request inputs is out of range.");
ACT_CODE(out_of_range_query, 400, "OutOfRangeQueryParameterValue",
         "One of the query parameters specified in the request URI is outside the permissible range.");
ACT_CODE(invalid_query_value, 400, "InvalidQueryParameterValue",
         "Value for one of the query parameters specified in the request URI is invalid.");
ACT_CODE(missing_query_parameter, 400, "MissingRequiredQueryParameter",
         "A query parameter that's mandatory for this request is not specified.");
ACT_CODE(invalid_header_value, 400, "InvalidHeaderValue",
         "The value for one of the HTTP headers is not in the correct format.");
ACT_CODE(missing_required_header, 400, "MissingRequiredHeader",
         "An HTTP header that's mandatory for this request is not specified.");
ACT_CODE(unsupported_header, 400, "UnsupportedHeader",
         "One of the HTTP headers specified in the request is not supported.");
ACT_CODE(multiple_conditions, 400, "MultipleConditionHeadersNotSupported",
         "Multiple condition headers are not supported.");
ACT_CODE(invalid_xml, 400, "InvalidXmlDocument", "XML specified is not syntactically valid.");
ACT_CODE(invalid_metadata, 400, "InvalidMetadata",
         "The specified metadata is invalid. It has characters that are not permitted.");
ACT_CODE(empty_metadata_key, 400, "EmptyMetadataKey",
         "The key for one of the metadata key-value pairs is empty.");
ACT_CODE(metadata_too_large, 400, "MetadataTooLarge",
         "The metadata specified exceeds the maximum allowable limit (8KB).");
ACT_CODE(invalid_tags, 400, "InvalidTag",
         "The tags specified are invalid. It contains characters that are not "
         "permitted.");
ACT_CODE(invalid_block_id, 400, "InvalidBlockId",
         "The specified block ID is invalid. The block ID must be Base64-encoded.");
ACT_CODE(invalid_blob_or_block, 400, "InvalidBlobOrBlock", "The specified blob or block content is invalid.");
ACT_CODE(invalid_block_list, 400, "InvalidBlockList", "The specified block list is invalid.");
ACT_CODE(block_list_too_long, 400, "BlockListTooLong",
         "The block list may not contain more than 50,000 blocks.");
ACT_CODE(md5_mismatch, 400, "Md5Mismatch",
         "The MD5 value specified in the request did not match with the MD5 value calculated by the server.");
ACT_CODE(
    crc64_mismatch, 400, "Crc64Mismatch",
    "The CRC64 value specified in the request did not match with the CRC64 value calculated by the server.");
ACT_CODE(invalid_md5, 400, "InvalidMd5",
         "The MD5 value specified in the request is invalid. MD5 value must be 128 bits and base64 encoded.");
ACT_CODE(invalid_page_range, 416, "InvalidPageRange", "The page range specified is invalid.");
ACT_CODE(incomplete_body, 400, "IncompleteBody", "The request body is incomplete.");
ACT_CODE(account_requires_https, 400, "AccountRequiresHttps",
         "The account being accessed does not support http.");
ACT_CODE(too_many_batch_parts, 400, "ExceedsMaxBatchRequestCount",
         "The batch operation exceeds maximum number of allowed subrequests.");
ACT_CODE(mixed_batch, 400, "AllBatchSubRequestsShouldBeSameApi",
         "All batch subrequests should be the same api.");
ACT_CODE(no_authentication, 401, "NoAuthenticationInformation",
         "Server failed to authenticate the request. Please refer to the information in the www-authenticate "
         "header.");
ACT_CODE(invalid_authentication_info, 401, "InvalidAuthenticationInfo",
         "Server failed to authenticate the request. Please refer to the information in the www-authenticate "
         "header.");
ACT_CODE(authentication_failed, 403, "AuthenticationFailed",
         "Server failed to authenticate the request. Make sure the value of Authorization header is formed "
         "correctly "
         "including the signature.");
ACT_CODE(authorization_failure, 403, "AuthorizationFailure",
         "This request is not authorized to perform this operation.");
ACT_CODE(permission_mismatch, 403, "AuthorizationPermissionMismatch",
         "This request is not authorized to perform this operation using this permission.");
ACT_CODE(protocol_mismatch, 403, "AuthorizationProtocolMismatch",
         "This request is not authorized to perform this operation using this protocol.");
ACT_CODE(resource_mismatch, 403, "AuthorizationResourceTypeMismatch",
         "This request is not authorized to perform this operation using this resource type.");
ACT_CODE(service_mismatch, 403, "AuthorizationServiceMismatch",
         "This request is not authorized to perform this operation using this service.");
ACT_CODE(source_ip_mismatch, 403, "AuthorizationSourceIPMismatch",
         "This request is not authorized to perform this operation using this source IP.");
ACT_CODE(unauthorized_overwrite, 403, "UnauthorizedBlobOverwrite",
         "This request is not authorized to perform blob overwrites.");
ACT_CODE(not_on_root_blob, 403, "OperationNotAllowedOnRootBlob",
         "The specified operation is not allowed on the root blob.");
ACT_CODE(resource_not_found, 404, "ResourceNotFound", "The specified resource does not exist.");
ACT_CODE(container_not_found, 404, "ContainerNotFound", "The specified container does not exist.");
ACT_CODE(blob_not_found, 404, "BlobNotFound", "The specified blob does not exist.");
ACT_CODE(not_for_directories, 400, "OperationNotSupportedOnDirectory",
         "The requested operation is not supported on a directory.");
ACT_CODE(directory_not_empty, 409, "DirectoryIsNotEmpty",
         "This operation is not permitted on a non-empty directory.");
ACT_CODE(resource_type_mismatch, 409, "ResourceTypeMismatch",
         "The specified resource type does not match the type of the existing resource.");
ACT_CODE(path_conflict, 409, "PathConflict",
         "The specified path, or an element of the path, exists and its resource type is invalid for this "
         "operation.");
ACT_CODE(path_exists, 409, "PathAlreadyExists", "The specified path already exists.");
ACT_CODE(path_not_found, 404, "PathNotFound", "The specified path does not exist.");
// Those of the DFS endpoint; path_not_empty has another name than in the Blob API.
ACT_CODE(filesystem_not_found, 404, "FilesystemNotFound", "The specified filesystem does not exist.");
ACT_CODE(path_not_empty, 409, "DirectoryNotEmpty",
         "The recursive query parameter value must be true to delete a non-empty directory.");
ACT_CODE(not_hierarchical, 400, "HierarchicalNamespaceNotEnabled",
         "Hierarchical namespace is not enabled for this account.");
ACT_CODE(no_rename_source, 404, "SourcePathNotFound",
         "The source path for a rename operation does not exist.");
ACT_CODE(no_destination_parent, 404, "RenameDestinationParentPathNotFound",
         "The parent directory of the destination path does not exist.");
ACT_CODE(invalid_destination, 409, "InvalidDestinationPath",
         "The specified path, or an element of the path, exists and its resource type is invalid for this "
         "operation.");
ACT_CODE(unlike_resources, 409, "InvalidSourceOrDestinationResourceType",
         "The source and destination resource type must be identical.");
ACT_CODE(not_for_hierarchical, 409, "FeatureNotYetSupportedForHierarchicalNamespaceAccounts",
         "Specified feature is not yet supported for hierarchical namespace accounts.");
ACT_CODE(container_exists, 409, "ContainerAlreadyExists", "The specified container already exists.");
ACT_CODE(blob_exists, 409, "BlobAlreadyExists", "The specified blob already exists.");
ACT_CODE(snapshots_present, 409, "SnapshotsPresent",
         "This operation is not permitted while the blob has snapshots.");
ACT_CODE(invalid_blob_type, 409, "InvalidBlobType", "The blob type is invalid for this operation.");
ACT_CODE(invalid_blob_tier, 400, "InvalidBlobTier", "The specified blob tier is invalid for this request.");
ACT_CODE(blob_archived, 409, "BlobArchived", "This operation is not permitted on an archived blob.");
ACT_CODE(needs_encryption, 409, "BlobUsesCustomerSpecifiedEncryption",
         "The blob is encrypted with customer specified encryption, but it was not provided in the request.");
ACT_CODE(
    needs_no_encryption, 409, "BlobDoesNotUseCustomerSpecifiedEncryption",
    "The blob is not encrypted with customer specified encryption, but one was provided in the request.");
ACT_CODE(other_encryption, 409, "BlobCustomerSpecifiedEncryptionMismatch",
         "The given customer specified encryption does not match the encryption used to encrypt the blob.");
ACT_CODE(other_scope_forbidden, 403, "RequestForbiddenByContainerEncryptionPolicy",
         "The request is forbidden by the container encryption policy.");
ACT_CODE(block_count_exceeded, 409, "BlockCountExceedsLimit",
         "The committed block count cannot exceed the maximum limit of 50,000 blocks.");
ACT_CODE(uncommitted_count_exceeded, 409, "BlockCountExceedsLimit",
         "The uncommitted block count cannot exceed the maximum limit of 100,000 blocks.");
ACT_CODE(pending_copy, 409, "PendingCopyOperation", "There is currently a pending copy operation.");
ACT_CODE(no_pending_copy, 409, "NoPendingCopyOperation", "There is currently no pending copy operation.");
ACT_CODE(copy_id_mismatch, 409, "CopyIdMismatch",
         "The specified copy ID did not match the copy ID for the pending copy operation.");
ACT_CODE(blob_sealed, 409, "BlobIsSealed",
         "The specified blob is sealed and its contents can't be modified.");
ACT_CODE(lease_present, 409, "LeaseAlreadyPresent", "There is already a lease present.");
ACT_CODE(lease_not_present, 409, "LeaseNotPresentWithLeaseOperation",
         "There is currently no lease on the resource.");
ACT_CODE(lease_id_mismatch, 409, "LeaseIdMismatchWithLeaseOperation",
         "The lease ID specified did not match the lease ID for the resource.");
ACT_CODE(lease_broken, 409, "LeaseIsBrokenAndCannotBeRenewed",
         "The lease ID matched, but the lease has been broken explicitly and cannot be renewed.");
ACT_CODE(lease_breaking_change, 409, "LeaseIsBreakingAndCannotBeChanged",
         "The lease ID matched, but the lease is currently in breaking state and cannot be changed.");
ACT_CODE(
    lease_breaking_acquire, 409, "LeaseIsBreakingAndCannotBeAcquired",
    "The lease ID matched, but the lease is currently in breaking state and cannot be acquired until it is "
    "broken.");
ACT_CODE(length_required, 411, "MissingContentLengthHeader", "Content-Length HTTP header is not specified.");
ACT_CODE(condition_not_met, 412, "ConditionNotMet",
         "The condition specified using HTTP conditional header(s) is not met.");
ACT_CODE(source_condition_not_met, 412, "SourceConditionNotMet",
         "The source condition specified using HTTP conditional header(s) is not met.");
ACT_CODE(target_condition_not_met, 412, "TargetConditionNotMet",
         "The target condition specified using HTTP conditional header(s) is not met.");
ACT_CODE(not_modified, 304, "ConditionNotMet",
         "The condition specified using HTTP conditional header(s) is not met.");
ACT_CODE(lease_id_missing, 412, "LeaseIdMissing",
         "There is currently a lease on the resource and no lease ID was specified in the request.");
ACT_CODE(lease_mismatch_blob, 412, "LeaseIdMismatchWithBlobOperation",
         "The lease ID specified did not match the lease ID for the blob.");
ACT_CODE(lease_mismatch_container, 412, "LeaseIdMismatchWithContainerOperation",
         "The lease ID specified did not match the lease ID for the container.");
ACT_CODE(lease_lost, 412, "LeaseLost",
         "A lease ID was specified, but the lease for the resource has expired.");
ACT_CODE(lease_not_present_blob, 412, "LeaseNotPresentWithBlobOperation",
         "There is currently no lease on the blob.");
ACT_CODE(lease_not_present_container, 412, "LeaseNotPresentWithContainerOperation",
         "There is currently no lease on the container.");
ACT_CODE(append_position, 412, "AppendPositionConditionNotMet",
         "The append position condition specified was not met.");
ACT_CODE(max_blob_size, 412, "MaxBlobSizeConditionNotMet",
         "The max blob size condition specified was not met.");
ACT_CODE(sequence_number, 412, "SequenceNumberConditionNotMet",
         "The sequence number condition specified was not met.");
ACT_CODE(body_too_large, 413, "RequestBodyTooLarge",
         "The request body is too large and exceeds the maximum permissible limit.");
ACT_CODE(invalid_range, 416, "InvalidRange",
         "The range specified is invalid for the current size of the resource.");
ACT_CODE(server_busy, 503, "ServerBusy",
         "The server is currently unable to receive requests. Please retry your request.");
ACT_CODE(cannot_verify_source, 500, "CannotVerifyCopySource",
         "Could not verify the copy source within the specified time.");
#undef ACT_CODE
}  // namespace codes

/// The source of a copy does not open itself, for what it answered or would have.
failure unverified_source(int status, std::string_view source_code, std::string message);

}  // namespace act::store
