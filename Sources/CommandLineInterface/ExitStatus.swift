/// How a program ends: the closed list that scripts rely on.
///
/// Codes from 64 on follow BSD's `sysexits.h` where it has the meaning. A code that isn't listed
/// here (a signal, a missing program) is to be taken as a failure.
package enum ExitStatus: Int32, CaseIterable, Sendable {
  case done = 0
  case answerIsNo = 1
  case conflict = 3
  case integrityViolation = 4
  case needsRepair = 5
  case usage = 64
  case badInput = 65
  case notFound = 66
  case unavailable = 69
  case ourBug = 70
  case exists = 73
  case inputOutput = 74
  case locked = 75
  case durabilityUnknown = 76
  case permission = 77
  case configuration = 78

  /// The word for the status in JSON; never changed once released.
  package var name: String {
    switch self {
    case .done: "done"
    case .answerIsNo: "answer-is-no"
    case .conflict: "conflict"
    case .integrityViolation: "integrity-violation"
    case .needsRepair: "needs-repair"
    case .usage: "usage"
    case .badInput: "bad-input"
    case .notFound: "not-found"
    case .unavailable: "unavailable"
    case .ourBug: "our-bug"
    case .exists: "exists"
    case .inputOutput: "input-output"
    case .locked: "locked"
    case .durabilityUnknown: "durability-unknown"
    case .permission: "permission"
    case .configuration: "configuration"
    }
  }

  /// One line on what the status says, for the help and the README.
  package var meaning: String {
    switch self {
    case .done: "done"
    case .answerIsNo: "the answer is no: rejected, differs, or some notices failed"
    case .conflict: "--expect was not met, or a key was used again with other content"
    case .integrityViolation: "integrity violation: what is stored isn't what was recorded"
    case .needsRepair: "the ledger needs a repair before it can be written"
    case .usage: "the call is wrong: unknown command, option or value"
    case .badInput: "the input is malformed; nothing of it was recorded"
    case .notFound: "no such ledger, dispatch, user or file"
    case .unavailable: "a service or channel can't be reached"
    case .ourBug: "a bug of this program: please report it"
    case .exists: "it exists already, and is left as it was"
    case .inputOutput: "reading or writing failed, or the disk is full"
    case .locked: "another process holds the lock: try again later"
    case .durabilityUnknown: "written, but nobody knows whether it is durable"
    case .permission: "not permitted"
    case .configuration: "the configuration is wrong"
    }
  }
}
