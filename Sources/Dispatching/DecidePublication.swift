import Bytes
package import Events

extension Decider {
  /// The templates and rules of a catalogue that are new or otherwise than they stand, each with the
  /// next version; and those that are withdrawn.
  func publications(of catalogue: CatalogueDocument) throws(Failure) -> [EventDraft] {
    var drafts: [EventDraft] = []
    for entry in catalogue.templates {
      let known = try ask { state throws(State.Failure) in try state.template(entry.id) }
      switch entry {
      case .withdraw(let id, let reason):
        guard known?.retired == nil else { continue }
        drafts.append(draft(.templateWithdrawn(TemplateWithdrawn(id: id, reason: reason))))
      case .publish(var template):
        template.version = known?.definition.version ?? 1
        if known?.retired == nil, known?.definition == template { continue }
        if known != nil { template.version += 1 }
        drafts.append(draft(.templatePublished(template)))
      }
    }
    for entry in catalogue.rules {
      let known = try ask { state throws(State.Failure) in try state.rule(entry.id) }
      switch entry {
      case .withdraw(let id, let reason):
        guard known?.withdrawn == nil else { continue }
        drafts.append(draft(.ruleWithdrawn(RuleWithdrawn(id: id, reason: reason))))
      case .publish(let entry):
        var rule = entry.rule
        rule.version = known?.rule.version ?? 1
        rule.at = try moment(of: entry, catalogue, standing: known?.rule.at)
        if known?.withdrawn == nil, known?.rule == rule { continue }
        if known != nil { rule.version += 1 }
        drafts.append(draft(.rulePublished(rule)))
      }
    }
    return drafts
  }

  /// A rule's time in its program's zone; as it stands where the same was typed before, whatever
  /// release of the zone database said so.
  private func moment(
    of entry: CatalogueRule, _ catalogue: CatalogueDocument, standing: ZonedMoment?
  ) throws(Failure) -> ZonedMoment? {
    guard let time = entry.at, let zone = try zone(ofProgram: entry.rule.programID, catalogue)
    else { return nil }
    let meaning = time.meaning(
      in: zone, rules: try rules(of: zone), tzdata: context.tzdata, fold: entry.fold)
    guard case .moment(let moment) = meaning else { return nil }
    if let standing, sameBytes(standing.text, moment.text), standing.instant == moment.instant,
      standing.zone == moment.zone, standing.fold == moment.fold
    {
      return standing
    }
    return moment
  }

  /// The zone of a program that a catalogue defines, or else the ledger.
  func zone(
    ofProgram id: EntityID, _ catalogue: CatalogueDocument
  ) throws(Failure) -> ZoneName? {
    if let program = catalogue.programs.first(where: { $0.id == id }) { return program.timeZone }
    let known = try ask { state throws(State.Failure) in try state.program(id) }
    return known?.definition.timeZone
  }

  /// So many seconds from now on the clocks of a zone, or of UTC where nobody knows the zone.
  package func moment(afterSeconds seconds: Int64, in zone: ZoneName) -> ZonedMoment {
    let instant = context.now.adding(seconds: seconds)
    return ZonedMoment(
      instant: instant, zone: zone, text: instant.text,
      offsetSeconds: context.zone(zone)?.offset(at: instant) ?? 0, tzdata: context.tzdata)
  }
}
