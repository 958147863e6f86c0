import Bytes
import Dispatching
import Events
import Views

extension Presenter {
  func template(_ id: EntityID) throws(ViewError) -> JSONObject? {
    try views.templates.published.find(id).map(describe)
  }

  func allTemplates() throws(ViewError) -> [JSONObject] {
    try views.templates.published.list().map(describe)
  }

  private func describe(_ found: Defined<TemplatePublished>) -> JSONObject {
    var document = recordObject(found.definition)
    document["event"] = .string(String(found.version))
    document["withdrawn"] = found.retired.map { .string(String($0)) }
    return document
  }

  /// A rule, and what became of the times at which it was to fire.
  func rule(_ id: EntityID) throws(ViewError) -> JSONObject? {
    guard let found = try views.rules.find(id) else { return nil }
    var document = describe(found)
    document["firings"] = .array(
      try views.rules.firings(of: id).map { firing in
        .object(
          JSONObject([
            .init(key: "dispatch", value: .string(firing.dispatchID.text)),
            .init(key: "event", value: .string(String(firing.event))),
            .init(key: "fired", value: .bool(firing.didFire)),
            .init(key: "nominal", value: .string(firing.nominal.text)),
          ]))
      })
    return document
  }

  func allRules() throws(ViewError) -> [JSONObject] { try views.rules.list().map(describe) }

  private func describe(_ found: StandingRule) -> JSONObject {
    var document = recordObject(found.rule)
    document["event"] = .string(String(found.version))
    document["published_at"] = .string(found.publishedAt.text)
    document["withdrawn"] = found.withdrawn.map { .string(String($0)) }
    return document
  }

  /// A signal's latest observation.
  func signal(_ id: EntityID) throws(ViewError) -> JSONObject? {
    try views.signals.list().first { $0.name == id }.map { describe($0.name, $0.latest) }
  }

  func allSignals() throws(ViewError) -> [JSONObject] {
    try views.signals.list().map { describe($0.name, $0.latest) }
  }

  private func describe(_ name: EntityID, _ latest: Observation) -> JSONObject {
    var document = JSONObject()
    document["at"] = .string(latest.at.text)
    document["event"] = .string(String(latest.event))
    document["id"] = .string(name.text)
    document["recorded_at"] = .string(latest.recordedAt.text)
    document["unit"] = latest.unit.map { .string($0) }
    document["value"] = .string(latest.value.text)
    return document
  }

  /// What a dispatch waits or waited for, and how the waiting ended.
  func schedule(of dispatch: EntityID) throws(ViewError) -> JSONObject? {
    guard let schedule = try views.schedules.find(dispatch) else { return nil }
    var document = recordObject(schedule.scheduled)
    document["dispatch_id"] = nil
    document["state"] = .string(
      schedule.fate.map { $0.didFire ? "triggered" : "missed" } ?? "waiting")
    return document
  }
}
