import { expect, test } from '@jest/globals';
import { EventQuery, Figures } from '../../service/http/api/schemas/figures';
import { Event } from '../../service/http/api/schemas/event';
import { Explanation } from '../../service/http/api/schemas/explain';
import { NodeList } from '../../service/http/api/schemas/node';
import { RefusalList } from '../../service/http/api/schemas/refusal-list';
import { StreamDetail, StreamPage } from '../../service/http/api/schemas/stream';
import { StandInFleet } from './stand-in-fleet';

test('the stand-in fleet speaks as the API does', () => {
  const fleet = new StandInFleet(100);
  const event = fleet.note({
    type: 'publish.accepted',
    channel: 'cam-1',
    address: '198.51.100.7',
    encoder: 'OBS',
    streamId: 'st-1',
    resumed: false,
  });
  Event.parse(event);
  StreamPage.parse(fleet.page(true));
  StreamDetail.parse(fleet.detail('cam-1'));
  Explanation.parse(fleet.explain('news-main'));
  NodeList.parse(fleet.nodeList());
  RefusalList.parse(fleet.refusalList());
  expect(Figures.parse(fleet.figures()).streams).toHaveLength(100);
  EventQuery.parse({ figures: 'true' });
});
