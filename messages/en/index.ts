import agreements from './agreements.json' with { type: 'json' };
import askRequest from './askRequest.json' with { type: 'json' };
import common from './common.json' with { type: 'json' };
import connectionPage from './connectionPage.json' with { type: 'json' };
import connections from './connections.json' with { type: 'json' };
import connectors from './connectors.json' with { type: 'json' };
import connectPage from './connectPage.json' with { type: 'json' };
import connectSystem from './connectSystem.json' with { type: 'json' };
import consumerClient from './consumerClient.json' with { type: 'json' };
import decision from './decision.json' with { type: 'json' };
import environment from './environment.json' with { type: 'json' };
import errors from './errors.json' with { type: 'json' };
import front from './front.json' with { type: 'json' };
import keptMail from './keptMail.json' with { type: 'json' };
import mail from './mail.json' with { type: 'json' };
import oneRosterCsv from './oneroster-csv.json' with { type: 'json' };
import operations from './operations.json' with { type: 'json' };
import organisations from './organisations.json' with { type: 'json' };
import packages from './packages.json' with { type: 'json' };
import pairing from './pairing.json' with { type: 'json' };
import people from './people.json' with { type: 'json' };
import places from './places.json' with { type: 'json' };
import push from './push.json' with { type: 'json' };
import renewals from './renewals.json' with { type: 'json' };
import replaceSystem from './replaceSystem.json' with { type: 'json' };
import schoolActivity from './schoolActivity.json' with { type: 'json' };
import schoolData from './schoolData.json' with { type: 'json' };
import schoolHome from './schoolHome.json' with { type: 'json' };
import schoolPeople from './schoolPeople.json' with { type: 'json' };
import schoolPortal from './schoolPortal.json' with { type: 'json' };
import schools from './schools.json' with { type: 'json' };
import streams from './streams.json' with { type: 'json' };
import sync from './sync.json' with { type: 'json' };
import syncSettings from './syncSettings.json' with { type: 'json' };
import systemPage from './systemPage.json' with { type: 'json' };
import withheld from './withheld.json' with { type: 'json' };

/** English: one JSON file per feature, under the file's name. */
export default {
  agreements,
  askRequest,
  common,
  connectPage,
  connectSystem,
  connectionPage,
  connections,
  connectors,
  consumerClient,
  decision,
  environment,
  errors,
  front,
  keptMail,
  mail,
  'oneroster-csv': oneRosterCsv,
  operations,
  organisations,
  packages,
  pairing,
  people,
  places,
  push,
  renewals,
  replaceSystem,
  schoolActivity,
  schoolData,
  schoolHome,
  schoolPeople,
  schoolPortal,
  schools,
  streams,
  sync,
  syncSettings,
  systemPage,
  withheld,
};
