import Bytes
import CommandLineInterface
import EventLog
import Export
import Merkle
import Platform

/// `proof check` of a directory: a bundle of `export`.
enum BundleChecking {
  /// Checks all of a bundle, and who signed its checkpoint.
  ///
  /// - Returns: `.integrityViolation` where anything isn't as it should be; each is printed.
  static func run(
    _ directory: String, keys: [NoteKey], policy: TrustPolicy?, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let check: BundleCheck
    do throws(StorageError) {
      check = try BundleCheck(FileStorage.openForReading(directory: directory))
    } catch {
      throw CommandFailure(
        [1, 13].contains(error.code) ? .permission : .inputOutput,
        "\(error.operation.rawValue) of '\(error.path)' failed: \(errnoText(error.code))")
    }
    var problems = check.problems
    var verified: VerifiedCheckpoint?
    if let note = check.note {
      do throws(EvidenceError) {
        if let policy {
          verified = try policy.verified(note, logs: keys)
        } else {
          verified = try VerifiedCheckpoint(note, logs: keys, cosigners: [])
        }
      } catch {
        problems.append(BundleProblem("data/checkpoint", error.text))
      }
    }
    let more = check.problemCount - check.problems.count
    let isSound = problems.isEmpty && verified != nil
    if session.wantsJSON {
      try session.print(json: document(check, problems, more, verified))
    } else {
      for problem in problems {
        try session.print("\(problem.place) \(problem.message)", style: .bad)
      }
      if more > 0 { try session.print("… and \(more) more", style: .bad) }
      if let head = verified?.checkpoint.head, isSound {
        try session.print(
          "\(check.fileCount) files are as they were bagged, and \(check.eventCount) events are "
            + "among the \(head.size) of \(verified?.checkpoint.origin ?? "")", style: .good)
      }
    }
    return isSound ? .done : .integrityViolation
  }

  private static func document(
    _ check: BundleCheck, _ problems: [BundleProblem], _ more: Int,
    _ verified: VerifiedCheckpoint?
  ) -> JSONObject {
    var document = JSONObject()
    document["events"] = .string(String(check.eventCount))
    document["files"] = .integer(Int64(check.fileCount))
    document["origin"] = verified.map { .string($0.checkpoint.origin) }
    document["problem_count"] = .integer(Int64(problems.count + more))
    document["problems"] = .array(
      problems.map { ["message": .string($0.message), "place": .string($0.place)] })
    document["root"] = verified.map { .string($0.checkpoint.head.root.base64) }
    document["size"] = verified.map { .string(String($0.checkpoint.head.size)) }
    return document
  }
}
