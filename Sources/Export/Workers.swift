import EventLog
import Synchronization

/// Does pieces of work that may fail.
///
/// - Returns: What each came to, by their numbers.
/// - Throws: What the first by number threw, of those that did.
func doing<Answer>(
  _ count: Int, by workers: Workers,
  _ work: @escaping @Sendable (Int) throws(ExportError) -> Answer
) throws(ExportError) -> [Answer] {
  let done = Mutex<[Handed<Result<Answer, ExportError>>?]>(Array(repeating: nil, count: count))
  workers(count) { piece in
    let result: Handed<Result<Answer, ExportError>>
    do throws(ExportError) {
      result = Handed(.success(try work(piece)))
    } catch {
      result = Handed(.failure(error))
    }
    done.withLock { $0[piece] = result }
  }
  var answers: [Answer] = []
  for result in done.withLock({ $0 }) {
    guard let result else { fatalError("invariant broken: a piece of work wasn't done") }
    answers.append(try result.value.get())
  }
  return answers
}
