/** What the page's data files set. */
declare var packedData: string;
declare var packedTitles: string;
declare var packedMore: string;
