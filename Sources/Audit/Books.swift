import Bytes
import Dispatching
import Events

/// The sums of resolutions: considered is recipients and exclusions, and nobody stands twice.
struct Books {
  private struct Sum {
    var recipients = 0
    var exclusions = 0
    var last: EntityID?
    var isClosed = false
  }

  private var open: [Telling.ModificationKey: Sum] = [:]

  /// Takes in an event.
  ///
  /// - Returns: What doesn't balance.
  mutating func take(_ event: Event) -> [String] {
    guard case .recipientsResolved(let chunk) = event.payload else { return [] }
    let key = Telling.ModificationKey(dispatchID: chunk.dispatchID, number: chunk.modification)
    var sum = open[key] ?? Sum()
    var problems: [String] = []
    if sum.isClosed { problems.append("the resolution was complete before it") }
    let users = (chunk.recipients.map(\.userID) + chunk.exclusions.map(\.userID)).sorted()
    for user in users {
      if let last = sum.last, user <= last {
        problems.append("user \(user.text) stands twice, or out of order")
      }
      sum.last = user
    }
    sum.recipients += chunk.recipients.count
    sum.exclusions += chunk.exclusions.count
    if let totals = chunk.totals {
      sum.isClosed = true
      let sums = [
        ("recipients", totals.recipients, sum.recipients),
        ("exclusions", totals.exclusions, sum.exclusions),
        ("considered", totals.considered, sum.recipients + sum.exclusions),
      ]
      for (name, said, held) in sums where said != held {
        problems.append("it says \(said) \(name), and its chunks hold \(held)")
      }
    }
    open[key] = sum
    return Array(problems.prefix(Difference.limit))
  }

  /// How many users a modification's resolution holds; `nil` where it has none.
  func sums(
    of dispatch: EntityID, modification: Int
  ) -> (recipients: Int, exclusions: Int)? {
    open[Telling.ModificationKey(dispatchID: dispatch, number: modification)]
      .map { ($0.recipients, $0.exclusions) }
  }
}
