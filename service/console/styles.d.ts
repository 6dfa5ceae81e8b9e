/** Style sheets: the build puts them into a file of their own. */
declare module '*.css';
